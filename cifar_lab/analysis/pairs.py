"""Whether two networks differ on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Paired:
    """Images by which of two networks classifies them correctly.

    Attributes:
        both_right: number of images that both classify correctly.
        only_first: number that only the first does.
        only_second: number that only the second does.
        both_wrong: number that neither does.
        p_value: of McNemar's exact test, two-sided; 1 if no image tells the networks apart.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float


def paired(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Paired:
    """Compare two networks image by image with McNemar's exact test.

    It asks whether these two networks differ, not whether two recipes do: another seed would give
    other networks.

    Args:
        first: whether each prediction of the first network is correct, bool ``(images,)``.
        second: likewise of the second, for the same images in the same order.

    Raises:
        ValueError: the numbers of images differ.
    """
    from scipy.stats import binomtest  # takes half a second to import

    if first.shape != second.shape:
        raise ValueError(f"both must be of the same images, got {first.size} and {second.size}")
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    told_apart = only_first + only_second
    return Paired(
        both_right=int((first & second).sum()),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int((~first & ~second).sum()),
        p_value=float(binomtest(only_first, told_apart).pvalue) if told_apart else 1.0,
    )
