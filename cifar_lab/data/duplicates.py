"""Exact copies of images within and across the splits of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.held_out import HeldOut

#: The splits in the order in which the copies of an image are listed.
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Copy:
    """One of several images that show the same picture.

    Attributes:
        split: ``train``, ``val`` or ``test``.
        row: its row in the split's source images.
        sample_id: its permanent name.
        label: index of its class.
    """

    split: str
    row: int
    sample_id: str
    label: int


def copies(dataset: Dataset) -> list[tuple[Copy, ...]]:
    """Groups of images with identical pixels.

    Only images that the run uses are compared: those trained on, validated on and tested on.

    Returns:
        Each group in the order of :data:`SPLITS` and rows, and the groups by their first image.
    """
    found: dict[bytes, list[Copy]] = {}
    for split, row in _repeated(dataset):
        arrays = dataset.source.test if split == "test" else dataset.source.train
        copy = Copy(split, row, str(arrays.sample_ids[row]), int(arrays.labels[row]))
        found.setdefault(bytes(arrays.digests[row]), []).append(copy)
    return [tuple(group) for group in found.values()]


def _repeated(dataset: Dataset) -> list[tuple[str, int]]:
    """Split and row of every image that is used and has an exact copy, in order."""
    rows = {
        "train": dataset.train_indices,
        "val": dataset.val_indices,
        "test": np.arange(len(dataset.source.test)),
    }
    train, test = dataset.source.train.digests, dataset.source.test.digests
    digests = [train[rows["train"]], train[rows["val"]], test]
    _, inverse, counts = np.unique(np.concatenate(digests), return_inverse=True, return_counts=True)
    places = [(split, int(row)) for split in SPLITS for row in rows[split]]
    return [places[place] for place in np.flatnonzero(counts[inverse] > 1)]


def trained_on(groups: list[tuple[Copy, ...]], split: HeldOut) -> NDArray[np.bool_]:
    """Which images of a split are exact copies of images trained on, bool ``(n,)``.

    Args:
        groups: from :func:`copies`.
        split: the test or the validation images.
    """
    name = {"test": "test", "validation": "val"}[split.name]
    seen = [
        copy.row
        for group in groups
        if group[0].split == "train"
        for copy in group
        if copy.split == name
    ]
    return np.isin(split.rows, seen)


def groups_of(digests: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """A number for each image, int64 ``(n,)``, equal for exact copies.

    Args:
        digests: ``(n,)`` bytes, from :attr:`ImageArrays.digests`.
    """
    return np.unique(digests, return_inverse=True)[1].astype(np.int64)
