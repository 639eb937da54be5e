"""data.json: what is needed to use a run's network without its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cifar_lab.data.arrays import Dataset


@dataclass(frozen=True)
class Data:
    """The data set that a run was given.

    Attributes:
        class_names: in the order of the labels.
        mean: of each channel, of pixels / 255, with which images are normalised.
        std: standard deviation, likewise.
        image_size: height and width in pixels.
        fingerprint: SHA-256 of pixels, labels and class names.
        split_sizes: images in each split: ``train``, ``val`` and ``test``.
        class_counts: images of each class in each split, in the order of the labels.
    """

    class_names: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    image_size: tuple[int, int]
    fingerprint: str
    split_sizes: Mapping[str, int]
    class_counts: Mapping[str, tuple[int, ...]]


def described_data(dataset: Dataset) -> Data:
    """Describes a data set."""
    source = dataset.source
    labels = {
        "train": source.train.labels[dataset.train_indices],
        "val": source.train.labels[dataset.val_indices],
        "test": source.test.labels,
    }
    classes = len(dataset.class_names)
    red, green, blue = (float(value) for value in dataset.mean)
    std_red, std_green, std_blue = (float(value) for value in dataset.std)
    return Data(
        class_names=dataset.class_names,
        mean=(red, green, blue),
        std=(std_red, std_green, std_blue),
        image_size=dataset.image_size,
        fingerprint=source.fingerprint,
        split_sizes={split: len(values) for split, values in labels.items()},
        class_counts={
            split: tuple(np.bincount(values, minlength=classes).tolist())
            for split, values in labels.items()
        },
    )
