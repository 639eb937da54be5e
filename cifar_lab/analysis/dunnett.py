"""Critical values for comparing several configurations with one (Dunnett, 1955).

The comparisons share the mean of the control and the pooled deviation, and are therefore
correlated. Given both, they are independent, so that two integrals are enough for any number of
them (https://doi.org/10.1080/01621459.1955.10501294).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammainccinv, gammaincinv, ndtr, stdtrit

#: A node and its share of the whole, each float64 ``(nodes,)``.
Nodes = tuple[NDArray[np.float64], NDArray[np.float64]]

#: Of the pooled deviation's distribution, what is cut off at either end.
_CUT = 1e-9
#: Nodes per unit of its logarithm, and the fewest for its narrow density at many runs.
_PER_UNIT, _FEWEST = 16, 96
#: Beyond this many standard errors, the mean of the control is not followed.
_FARTHEST = 6.5


def critical_value(
    others: Sequence[int], best: int, freedom: int, two_sided: bool, confidence: float = 0.95
) -> float:
    """Find how many standard errors a difference from the control may reach by chance.

    In ``confidence`` of all cases, no difference reaches it if all true means are equal. It is
    accurate to 1e-4.

    Args:
        others: number of runs of each configuration that is compared, at least one of them.
        best: number of runs of the control.
        freedom: degrees of freedom of the pooled deviation.
        two_sided: whether differences in both directions count.
        confidence: of all comparisons together, in 0 … 1.

    Raises:
        ValueError: there is nothing to compare, or a number of runs or ``freedom`` is below 1.
    """
    if len(others) == 0 or min(*others, best, freedom) < 1:
        raise ValueError(
            f"others={list(others)}, best={best}, freedom={freedom}: at least one configuration is"
            " compared, and each number is at least 1"
        )
    sizes, counts = np.unique(np.asarray(others), return_counts=True)
    deviations, means = _deviations(freedom), _means(float(np.sqrt(sizes.max() / best)))

    def excess(bound: float) -> float:
        below = _share_below(bound * deviations[0], means, sizes / best, counts, two_sided)
        return float(below @ deviations[1]) - confidence

    # One comparison needs less, and Bonferroni's inequality never needs less.
    miss = (1 - confidence) / (2 if two_sided else 1)
    low, high = (float(stdtrit(freedom, 1 - miss / count)) for count in (1, len(others)))
    return float(brentq(excess, low * 0.999, high * 1.001, xtol=1e-7))


def _deviations(freedom: int) -> Nodes:
    """Ratios of the pooled deviation to the true one, evenly spaced in their logarithm.

    Their density falls off fast at both ends, for which equal steps converge exponentially.
    """
    half = freedom / 2
    ends = [gammaincinv(half, _CUT) / half, gammainccinv(half, _CUT) / half]
    low, high = np.log(ends) / 2
    logarithms = np.linspace(low, high, max(_FEWEST, int(_PER_UNIT * (high - low))))
    # The root of a chi-square divided by its degrees of freedom; at most 1, against overflow.
    return np.exp(logarithms), _shares(
        np.exp(freedom * (logarithms + 0.5 - np.exp(2 * logarithms) / 2))
    )


def _means(steepest: float) -> Nodes:
    """Deviations of the control's mean in its standard errors, closer for steep integrands."""
    nodes = np.linspace(-_FARTHEST, _FARTHEST, 1 + int(64 * max(1.0, steepest)))
    return nodes, _shares(np.exp(-(nodes**2) / 2))


def _shares(density: NDArray[np.float64]) -> NDArray[np.float64]:
    return density / density.sum()


def _share_below(
    bounds: NDArray[np.float64],
    means: Nodes,
    ratios: NDArray[np.float64],
    counts: NDArray[np.int64],
    two_sided: bool,
) -> NDArray[np.float64]:
    """Probability that no difference exceeds a bound, for each bound: float64 ``(bounds,)``.

    Args:
        bounds: in true standard errors of a difference, float64 ``(bounds,)``.
        means: nodes of the control's mean.
        ratios: number of runs divided by the control's, float64 ``(sizes,)``.
        counts: how many configurations have that number, int64 ``(sizes,)``.
    """
    together = np.ones((len(bounds), len(means[0])))
    for ratio, count in zip(ratios, counts, strict=True):
        # In standard errors of the configuration's own mean.
        width = bounds[:, None] * np.sqrt(1 + ratio)
        middle = np.sqrt(ratio) * means[0]
        each = ndtr(width + middle)
        if two_sided:
            each -= ndtr(middle - width)
        together *= each**count
    return together @ means[1]
