"""Selective classification: the error rate that is left if the least confident are passed over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Risks:
    """Selective risk, the error rate among the images kept, when 1, 2, … n images are kept.

    Each area is the mean of a curve over all numbers of images kept: AURC (Geifman & El-Yaniv 2017,
    https://arxiv.org/abs/1705.08500; Geifman, Uziel & El-Yaniv 2019,
    https://arxiv.org/abs/1805.08206, section 3).

    Attributes:
        kept: by confidence, the most confident first; float64 ``(n,)``, in 0 … 1.
        best: by the best possible order, all errors last; likewise.
        random: by a random order, on average: the error rate at every coverage.
    """

    kept: NDArray[np.float64]
    best: NDArray[np.float64]
    random: float

    @property
    def area(self) -> float:
        """AURC."""
        return float(self.kept.mean())

    @property
    def best_area(self) -> float:
        """AURC of the best possible order: what the error rate alone costs."""
        return float(self.best.mean())

    @property
    def excess(self) -> float:
        """E-AURC: what the order by confidence adds to that of the best one."""
        return self.area - self.best_area


def risks(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Risks:
    """Risk against coverage.

    Of images with equal confidence, none comes first: as many errors are counted as are to be
    expected if they are kept in a random order.

    Args:
        confidence: of each prediction, float64 ``(n,)``; NaN counts as least confident.
        right: whether the prediction is correct, bool ``(n,)``.
    """
    _, group = np.unique(-np.nan_to_num(confidence, nan=-np.inf), return_inverse=True)
    sizes = np.bincount(group)
    errors = np.bincount(group, weights=~right)
    # Within a group, the number of expected errors grows evenly.
    each = np.repeat(errors / sizes, sizes)
    number = np.arange(1, len(right) + 1)
    wrong = int((~right).sum())
    best = np.clip(number - (len(right) - wrong), 0, None) / number
    return Risks(np.clip(np.cumsum(each) / number, 0, 1), best, wrong / len(right))
