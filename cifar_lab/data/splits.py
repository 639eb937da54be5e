"""Splits by a seeded rule, stratified by class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cifar_lab.refusal import Refusal

_REMEDIES = {
    "dataset.validation_fraction": "raise it, set it to 0, or add images",
    "dataset.test_fraction": "change it, or add images",
}


def stratified_split(
    labels: NDArray[np.int64],
    fraction: float,
    seed: int,
    copies: NDArray[np.int64] | None = None,
    key: str = "dataset.validation_fraction",
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into rows to keep and rows to hold out, stratified by class.

    Args:
        labels: int64 ``(n,)``.
        fraction: share of the rows to hold out; 0 holds out nothing.
        seed: the same seed and labels give the same split.
        copies: int64 ``(n,)``, equal numbers for rows that must not be separated; the fraction is
            then one of distinct images. None lets any two be separated.
        key: the configuration key of ``fraction``, for messages.

    Returns:
        Kept and held-out rows: int64, ascending, disjoint, and together all rows.

    Raises:
        Refusal: there are too few rows to give every class its share.
    """
    rows = np.arange(len(labels))
    if fraction == 0:
        return rows, rows[:0]
    groups = rows if copies is None else copies
    distinct = np.sort(np.unique(groups, return_index=True)[1])
    drawn = _each_class_alike(labels[distinct], math.ceil(fraction * len(distinct)), seed)
    held_out = np.flatnonzero(np.isin(groups, groups[distinct[drawn]]))
    kept = np.setdiff1d(rows, held_out)
    lacking = _without_images(labels, kept) or _without_images(labels, held_out)
    if lacking is not None:
        raise Refusal(
            f"{key}={fraction:g} of {len(labels)} training images leaves a class without its share "
            f"({lacking}); {_REMEDIES[key]}"
        )
    return kept, held_out


def left_to_train(images: int, validation_fraction: float, limit: int | None) -> int:
    """Number of training images left after the validation split and then the limit."""
    left = images - math.ceil(validation_fraction * images)
    return left if limit is None else min(left, limit)


def limited(
    rows: NDArray[np.int64], labels: NDArray[np.int64], limit: int | None, seed: int
) -> NDArray[np.int64]:
    """Choose at most ``limit`` of the rows, stratified by class, in ascending order.

    Args:
        rows: int64, the rows to choose from.
        labels: int64 ``(n,)``, labels of all images, chosen or not.
        limit: None, or a number above ``len(rows)``, keeps all.
        seed: the same seed gives the same choice.

    Raises:
        Refusal: the limit is too low to give every class at least one image.
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
    """``count`` random rows, ascending; each class gets its share to within one image."""
    generator = np.random.default_rng(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * count / len(labels)
    quotas = np.floor(shares).astype(np.int64)
    # The remainder from rounding down goes to the largest fractions, with ties broken at random.
    by_remainder = np.lexsort((generator.random(len(classes)), quotas - shares))
    quotas[by_remainder[: count - quotas.sum()]] += 1
    rows = [
        generator.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(rows))


def _without_images(labels: NDArray[np.int64], rows: NDArray[np.int64]) -> str | None:
    """Describe a class without images among the given rows; None if every class has some."""
    lacking = np.setdiff1d(labels, labels[rows])
    return f"class {lacking[0]} would have none of the {len(rows)} images" if len(lacking) else None
