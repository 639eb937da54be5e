"""The validation split."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cifar_lab.refusal import Refusal


def stratified_split(
    labels: NDArray[np.int64], validation_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits rows into training and validation rows, each class in the same proportion.

    Args:
        labels: int64 ``(n,)``.
        validation_fraction: share of the rows to hold out; 0 holds out none.
        seed: the same seed and labels give the same split.

    Returns:
        Training and validation rows, int64, ascending, disjoint, together all rows.

    Raises:
        Refusal: too few rows to give every class its share.
    """
    rows = np.arange(len(labels))
    if validation_fraction == 0:
        return rows, rows[:0]
    val = _each_class_alike(labels, math.ceil(validation_fraction * len(labels)), seed)
    train = np.setdiff1d(rows, val)
    lacking = _without_images(labels, train) or _without_images(labels, val)
    if lacking is not None:
        raise Refusal(
            f"dataset.validation_fraction={validation_fraction:g} of {len(labels)} training images "
            f"leaves a class without its share ({lacking}); raise it, set it to 0, or add images"
        )
    return train, val


def left_to_train(images: int, validation_fraction: float, limit: int | None) -> int:
    """How many of so many images a split and then a limit leave, whatever their labels."""
    left = images - math.ceil(validation_fraction * images)
    return left if limit is None else min(left, limit)


def limited(
    rows: NDArray[np.int64], labels: NDArray[np.int64], limit: int | None, seed: int
) -> NDArray[np.int64]:
    """At most ``limit`` of the rows, each class in the same proportion, ascending.

    Args:
        rows: int64, the rows to choose from.
        labels: int64 ``(n,)``, labels of all rows, chosen or not.
        limit: None, or more than there are, keeps all.
        seed: the same seed gives the same choice.

    Raises:
        Refusal: too few to give every class one.
    """
    if limit is None or limit >= len(rows):
        return rows
    kept = rows[_each_class_alike(labels[rows], limit, seed)]
    lacking = _without_images(labels[rows], np.searchsorted(rows, kept))
    if lacking is not None:
        raise Refusal(
            f"dataset.limit_train_images={limit} is too few to give every class its share "
            f"({lacking}); raise it"
        )
    return kept


def _each_class_alike(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """So many rows at random, ascending, of each class to within one image of its share."""
    generator = np.random.default_rng(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * count / len(labels)
    quotas = np.floor(shares).astype(np.int64)
    # What rounding down left over goes to the largest remainders, among equal ones at random.
    by_remainder = np.lexsort((generator.random(len(classes)), quotas - shares))
    quotas[by_remainder[: count - quotas.sum()]] += 1
    rows = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(rows))


def _without_images(labels: NDArray[np.int64], rows: NDArray[np.int64]) -> str | None:
    """A sentence about a class that has no image among some rows; None where all have."""
    lacking = np.setdiff1d(labels, labels[rows])
    return f"class {lacking[0]} would have none of {len(rows)}" if len(lacking) else None
