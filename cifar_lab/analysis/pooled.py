"""Standard deviation between seeds, pooled over several configurations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class Pooled:
    """A pooled standard deviation.

    Attributes:
        deviation: in the unit of the values.
        freedom: its degrees of freedom, at least 1.
    """

    deviation: float
    freedom: int


def pooled(groups: Sequence[Sequence[float]]) -> Pooled | None:
    """Pool the variance within groups, each weighted by its degrees of freedom.

    Groups of one value say nothing about variance and are left out. None if no group has two.
    """
    freedom = sum(len(group) - 1 for group in groups)
    if freedom == 0:
        return None
    return Pooled(math.sqrt(sum(map(squares, groups)) / freedom), freedom)


def squares(group: Sequence[float]) -> float:
    """Sum of squared deviations from the mean; exactly 0 if all values are equal."""
    mean = fmean(group)
    # The mean of equal values may differ from them in its last bit.
    return 0.0 if len(set(group)) == 1 else math.fsum((value - mean) ** 2 for value in group)


def require_finite(groups: Sequence[Sequence[float]]) -> None:
    """Refuse what has no mean.

    Raises:
        ValueError: a group is empty, or a value is NaN or infinite, as of a failed run.
    """
    for index, group in enumerate(groups):
        if len(group) == 0 or not all(map(math.isfinite, group)):
            raise ValueError(
                f"configuration {index} has the values {list(group)}; every configuration needs at"
                " least one, and all must be finite: leave failed runs out"
            )
