"""What a number of runs can show, and how much the best of several flatters."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import nctdtr, ndtr, stdtrit

from cifar_lab.analysis.intervals import CONFIDENCE


def smallest_difference(deviation: float, runs: int, power: float = 0.8) -> float | None:
    """Find the true difference between two configurations that their comparison would detect.

    The comparison is Student's t-test of the two means, two-sided at 5 %.

    Args:
        deviation: standard deviation between seeds.
        runs: number of runs of each of the two configurations.
        power: probability of detecting the difference, above 0.05 and below 1.

    Returns:
        The difference in the unit of ``deviation``, or None for fewer than two runs.
    """
    if runs < 2:
        return None
    freedom = 2 * (runs - 1)
    bound = float(stdtrit(freedom, (1 + CONFIDENCE) / 2))

    def missing(shift: float) -> float:
        # Below -bound as above it with the other sign: SciPy has no values far out on the left.
        found = (1 - nctdtr(freedom, sign * shift, bound) for sign in (1, -1))
        return power - float(sum(found))

    # From t's own distribution, shifted by more than its bound and what the power itself needs.
    farthest = bound * (2 + float(stdtrit(freedom, max(power, 0.5))))
    return deviation * math.sqrt(2 / runs) * float(brentq(missing, 0.0, farthest))


def expected_maximum(count: int) -> float:
    """Expected maximum of independent standard normal numbers, integrated numerically.

    Raises:
        ValueError: ``count`` is below 1.
    """
    if count < 1:
        raise ValueError(f"the maximum is of at least one number, got {count}")
    if count == 1:
        return 0.0
    nodes, step = np.linspace(-12, 12, 2401, retstep=True)
    density = count * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi) * ndtr(nodes) ** (count - 1)
    return float((nodes * density).sum() * step)


def optimism(deviation: float, runs: int, configurations: int) -> float:
    """By how much the mean of the best of several configurations flatters it at most.

    The best is chosen by the number that is reported. If all are equally good, its mean exceeds
    the true one by this much on average; if they differ, by less.

    Args:
        deviation: standard deviation between seeds.
        runs: number of runs of each configuration.
        configurations: how many the best is chosen from.
    """
    return deviation / math.sqrt(runs) * expected_maximum(configurations)
