"""Which configurations are within noise of the best one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from scipy.special import stdtrit

from cifar_lab.analysis.dunnett import critical_value
from cifar_lab.analysis.intervals import CONFIDENCE
from cifar_lab.analysis.pooled import pooled, require_finite, squares

#: How many standard deviations below the best a configuration may be and still say something
#: about the noise near it. One that diverges varies far more between seeds.
NEAR = 10


@dataclass(frozen=True)
class Noise:
    """Which configurations cannot be told from the best.

    Attributes:
        within: for each configuration whether it is within noise of the best, which itself is; all
            False if not marked.
        marked: whether that can be said.
        why_not: why it cannot be said; empty if marked.
        deviation: standard deviation between seeds, pooled over the configurations near the best;
            in the unit of the values; None if none of them ran with several seeds.
        freedom: its degrees of freedom; 0 without it.
        near: indices of the configurations near the best, the best included.
    """

    within: tuple[bool, ...]
    marked: bool
    why_not: str
    deviation: float | None
    freedom: int
    near: tuple[int, ...]


def within_noise(values: Sequence[Sequence[float]], best: int) -> Noise:
    """Find the configurations that are within noise of the best.

    These are Hsu's multiple comparisons with the best (Annals of Statistics 12, 1984, 1136-1144):
    each configuration is compared with the best, one-sided, by Dunnett's critical value for all of
    them together at ``CONFIDENCE``. In at least that share of sweeps, the configuration that is
    truly best is among those found. Only configurations near the best are compared and pooled for
    the deviation: those at most ``NEAR`` times the root of the median variance below it.

    Args:
        values: for each configuration a value per seed, higher is better; their numbers may differ.
        best: index of the configuration to compare with.

    Raises:
        ValueError: a configuration has no values, or one that is not finite.
    """
    require_finite(values)
    near = _near(values, best)
    noise = pooled([values[index] for index in near])
    deviation, freedom = (noise.deviation, noise.freedom) if noise else (None, 0)
    why_not = _why_not(values, best, deviation)
    if why_not or deviation is None:
        return Noise((False,) * len(values), False, why_not, deviation, freedom, near)
    reach = _reach([len(values[i]) for i in near if i != best], len(values[best]), freedom)
    inside = {
        index
        for index in near
        if _behind(values, index, best)
        <= reach * deviation * math.sqrt(1 / len(values[best]) + 1 / len(values[index]))
    }
    within = tuple(index in inside for index in range(len(values)))
    return Noise(within, True, "", deviation, freedom, near)


def intervals(values: Sequence[Sequence[float]], noise: Noise) -> list[tuple[float, float] | None]:
    """Student's interval of each configuration's mean at ``CONFIDENCE``; None without a deviation.

    The deviation is the pooled one for the configurations near the best, so that few seeds of each
    suffice, and that of its own runs for any other.

    Args:
        values: as for :func:`within_noise`.
        noise: its result.
    """
    found: list[tuple[float, float] | None] = []
    for index, runs in enumerate(values):
        own = pooled([runs])
        deviation, freedom = (own.deviation, own.freedom) if own else (None, 0)
        if index in noise.near and noise.freedom:
            deviation, freedom = noise.deviation, noise.freedom
        if deviation is None:
            found.append(None)
            continue
        reach = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * deviation / math.sqrt(len(runs))
        found.append((fmean(runs) - reach, fmean(runs) + reach))
    return found


def _near(values: Sequence[Sequence[float]], best: int) -> tuple[int, ...]:
    """The best and what is not far below it; without any variance, all that are not below it."""
    variances = [squares(each) / (len(each) - 1) for each in values if len(each) > 1]
    farthest = NEAR * math.sqrt(median(variances)) if variances else 0.0
    return tuple(i for i in range(len(values)) if _behind(values, i, best) <= farthest)


def _behind(values: Sequence[Sequence[float]], index: int, best: int) -> float:
    return fmean(values[best]) - fmean(values[index])


def _why_not(values: Sequence[Sequence[float]], best: int, deviation: float | None) -> str:
    if len(values) == 1:
        return "there is only one configuration"
    if all(len(each) == 1 for each in values):
        return "each configuration ran with a single seed"
    if len(values[best]) == 1:
        return "the best configuration ran with a single seed"
    if not deviation:
        return "the results do not differ between seeds"
    return ""


def _reach(others: list[int], best: int, freedom: int) -> float:
    """Standard errors that a configuration near the best may be behind it."""
    return critical_value(others, best, freedom, False, CONFIDENCE) if others else 0.0
