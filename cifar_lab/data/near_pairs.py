"""The near-duplicates among the images that a run uses, by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.duplicates import SPLITS, Copy
from cifar_lab.data.held_out import HeldOut
from cifar_lab.data.near_duplicates import NearDuplicates


@dataclass(frozen=True)
class NearPair:
    """Two images that show the same picture with different pixels.

    Attributes:
        first: the one whose split comes first in :data:`SPLITS`.
        second: the other.
        alike: correlation of their detail, at most 1.
        mirrored: whether one is similar to the other's mirror image.
    """

    first: Copy
    second: Copy
    alike: float
    mirrored: bool

    @property
    def splits(self) -> tuple[str, str]:
        """Of both images."""
        return self.first.split, self.second.split

    @property
    def conflict(self) -> bool:
        """Whether the labels differ."""
        return self.first.label != self.second.label


def near_pairs(dataset: Dataset, found: NearDuplicates) -> list[NearPair]:
    """The pairs of images that are both used, the most similar first.

    Args:
        dataset: images and splits.
        found: among all training images of the source, followed by all its test images.
    """
    splits = _splits(dataset)
    pairs = []
    for (a, b), alike, mirrored in zip(
        found.pairs.tolist(), found.alike.tolist(), found.mirrored.tolist(), strict=True
    ):
        if splits[a] >= 0 and splits[b] >= 0:
            first, second = (a, b) if splits[a] <= splits[b] else (b, a)
            one, other = (_image(dataset, SPLITS[splits[n]], n) for n in (first, second))
            pairs.append(NearPair(one, other, alike, mirrored))
    return pairs


def _splits(dataset: Dataset) -> NDArray[np.int64]:
    """Place of each image's split in :data:`SPLITS`; -1 of images that are not used."""
    train = np.full(len(dataset.source.train), -1)
    train[dataset.train_indices], train[dataset.val_indices] = 0, 1
    return np.concatenate([train, np.full(len(dataset.source.test), 2)])


def _image(dataset: Dataset, split: str, number: int) -> Copy:
    source = dataset.source
    arrays, row = source.train, number
    if split == "test":
        arrays, row = source.test, number - len(source.train)
    return Copy(split, row, str(arrays.sample_ids[row]), int(arrays.labels[row]))


def counterparts(pairs: Sequence[NearPair], split: str, other: str) -> dict[int, bool]:
    """Rows of the images of a split that have a near-duplicate in the other split, or the same.

    Returns:
        For each row, whether any of these near-duplicates has a different label.
    """
    found: dict[int, bool] = {}
    for pair in pairs:
        for one, two in ((pair.first, pair.second), (pair.second, pair.first)):
            if (one.split, two.split) == (split, other):
                found[one.row] = found.get(one.row, False) or pair.conflict
    return found


def near_trained_on(pairs: Sequence[NearPair], split: HeldOut) -> NDArray[np.bool_]:
    """Which images of a split have a near-duplicate among those trained on, bool ``(n,)``."""
    name = {"test": "test", "validation": "val"}[split.name]
    return np.isin(split.rows, list(counterparts(pairs, name, "train")))
