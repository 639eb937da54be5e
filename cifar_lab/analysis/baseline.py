"""What each of several changes to a baseline costs or gains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cifar_lab.analysis.dunnett import critical_value
from cifar_lab.analysis.intervals import CONFIDENCE
from cifar_lab.analysis.pooled import pooled, require_finite


@dataclass(frozen=True)
class Effect:
    """A difference between a variant and the baseline, in the unit of the values.

    Attributes:
        difference: mean of the variant minus mean of the baseline.
        low: lower bound of its interval, which holds for all variants together.
        high: upper bound.
        clear: whether the interval excludes 0.
    """

    difference: float
    low: float
    high: float
    clear: bool


def against_baseline(
    baseline: Sequence[float], variants: Sequence[Sequence[float]]
) -> list[Effect] | None:
    """Compare each variant with the baseline, by Dunnett's two-sided intervals at ``CONFIDENCE``.

    With that confidence, all the intervals hold at once
    (https://doi.org/10.1080/01621459.1955.10501294). The variance is pooled over the baseline and
    all variants.

    Args:
        baseline: a value per seed.
        variants: for each variant a value per seed; their numbers may differ.

    Returns:
        An effect for each variant, or None if nothing is known about the noise: no configuration
        ran with several seeds, or the seeds make no difference.

    Raises:
        ValueError: a configuration has no values, or one that is not finite.
    """
    require_finite([baseline, *variants])
    noise = pooled([baseline, *variants])
    if noise is None or noise.deviation == 0:
        return None
    if not variants:
        return []
    sizes = [len(each) for each in variants]
    reach = critical_value(sizes, len(baseline), noise.freedom, True, CONFIDENCE)
    return [
        _effect(
            fmean(each) - fmean(baseline),
            reach * noise.deviation * math.sqrt(1 / len(each) + 1 / len(baseline)),
        )
        for each in variants
    ]


def _effect(difference: float, reach: float) -> Effect:
    return Effect(difference, difference - reach, difference + reach, abs(difference) > reach)


def baseline_seeds(variants: int, seeds: int) -> int:
    """Number of seeds for the baseline that makes its comparisons most precise.

    Every comparison needs the baseline, so it gets ``⌈√variants⌉`` times the seeds of a variant
    (Dunnett, 1955).

    Args:
        variants: number of variants, at least 1, the baseline not counted.
        seeds: number of seeds of each variant.
    """
    return math.ceil(math.sqrt(variants)) * seeds
