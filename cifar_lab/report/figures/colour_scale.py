"""Scales of signed maps: as far to either side of zero, with round ends and ticks."""

from __future__ import annotations

import math
from decimal import Decimal

#: Ends of a scale, times a power of ten.
ENDS = ("1", "1.2", "1.6", "2", "3", "4", "5", "6", "8", "10")
#: Decimals from which on ticks are written with an exponent.
DECIMALS = 5
#: Rounding errors of float32 that do not move an end to the next round number.
ROUNDING = 1e-6


def round_end(largest: float) -> float:
    """The smallest round number that is no smaller than a magnitude; 0 for 0."""
    if largest <= 0:
        return 0.0
    exponent = math.floor(math.log10(largest))
    ends = (float(f"{end}e{exponent}") for end in ENDS)
    return next(end for end in ends if end >= largest * (1 - ROUNDING))


def ticks(end: float) -> list[tuple[float, str]]:
    """Five values from ``-end`` to ``end`` with their labels, of equal decimals."""
    half = Decimal(repr(end)) / 2
    decimals = -int(half.normalize().as_tuple().exponent)
    values = [number * half for number in range(-2, 3)]
    return [(float(value), _label(value, max(decimals, 0))) for value in values]


def _label(value: Decimal, decimals: int) -> str:
    text = f"{value:.{decimals}f}" if decimals < DECIMALS else f"{float(value):.1e}"
    return text.replace("-", "−")
