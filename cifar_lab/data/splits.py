"""The validation split."""

from __future__ import annotations

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
    from sklearn.model_selection import train_test_split

    try:
        train, val = train_test_split(
            rows, test_size=validation_fraction, random_state=seed, stratify=labels
        )
    except ValueError as error:
        raise Refusal(
            f"dataset.validation_fraction={validation_fraction:g} of {len(labels)} training images "
            f"leaves a class without its share ({error}); raise it, set it to 0, or add images"
        ) from error
    return np.sort(train), np.sort(val)


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
    from sklearn.model_selection import train_test_split

    try:
        kept, _ = train_test_split(rows, train_size=limit, random_state=seed, stratify=labels[rows])
    except ValueError as error:
        raise Refusal(
            f"dataset.limit_train_images={limit} is too few to give every class its share "
            f"({error}); raise it"
        ) from error
    return np.sort(kept)
