"""Mean and standard deviation over several runs of one configuration."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def mean_and_deviation(values: Sequence[float], digits: int) -> str:
    """Format as ``90.71 ± 0.22`` with the sample standard deviation, or a single value alone."""
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}"
