"""Mean, standard deviation and interval over several runs of one configuration."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from cifar_lab.analysis.intervals import CONFIDENCE, Interval


def mean_and_deviation(values: Sequence[float], digits: int) -> str:
    """Format as ``90.71 ± 0.22`` with the sample standard deviation, or a single value alone."""
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"


def student(values: Sequence[float]) -> Interval:
    """The mean of runs with different seeds, with Student's interval (1908) at ``CONFIDENCE``.

    It says where the mean of very many seeds lies, on these same test images. The bounds of few
    runs that differ much may lie outside 0 … 1.

    Args:
        values: a share for each seed.

    Raises:
        ValueError: there are fewer than two.
    """
    from scipy.special import stdtrit  # importing it takes a while

    if len(values) < 2:
        raise ValueError(f"at least two seeds are needed, got {len(values)}")
    error = statistics.stdev(values) / math.sqrt(len(values))
    reach = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * error
    middle = statistics.mean(values)
    return Interval(middle, middle - reach, middle + reach)
