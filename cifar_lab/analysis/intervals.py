"""Confidence intervals of shares."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

#: Confidence level of every interval in a report.
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A share with its bounds, each in 0 … 1."""

    share: float
    low: float
    high: float


def share_of(hits: int, count: int) -> Interval | None:
    """A share with its interval, as :func:`wilson`; None without any cases: it is undefined."""
    return wilson(hits, count) if count else None


def wilson(hits: int, count: int) -> Interval:
    """A share of independent cases with Wilson's score interval (1927) at ``CONFIDENCE``.

    Unlike the usual normal approximation, it holds for shares near 0 and 1 and for small counts.

    Raises:
        ZeroDivisionError: there are no cases.
    """
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    # The outer bounds for no hits and for all hits are exactly 0 and 1; rounding may miss them.
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == count else middle + half
    return Interval(share, low, high)
