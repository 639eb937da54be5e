"""Axes that end at round numbers, and where values lie on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_lab.report.charts.plot import Axis

#: Most intervals between ticks, and round multiples of a power of ten.
INTERVALS, STEPS = 5, (1, 2, 2.5, 5, 10)
#: Decades beyond which a logarithmic axis marks powers of ten alone.
DECADES = 2.5


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, with its ticks and their labels."""

    low: float
    high: float
    log: bool
    ticks: Sequence[float]
    labels: Sequence[str]

    def at(self, value: float) -> float:
        """Where a value lies, from 0 at the low end to 1; nan if it cannot be shown."""
        if self.log:
            if not value > 0:
                return math.nan
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def scale_of(axis: Axis, values: Iterable[float], log: bool = False) -> Scale:
    """The scale on which all values lie; it ends at ticks, or where the quantity ends."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(known), max(known)) if known else (1.0, 10.0) if log else (0.0, 1.0)
    return _logarithmic(low, high) if log else _linear(axis, low, high)


def exact_scale(axis: Axis, times: float = 1.0) -> Scale:
    """The scale between the ends that an axis states, in units of which each has ``times``."""
    assert axis.low is not None
    assert axis.high is not None
    low, high = axis.low * times, max(axis.high, math.nextafter(axis.low, math.inf)) * times
    if axis.log == "always":
        around = _logarithmic(low, high)
        pairs = zip(around.ticks, around.labels, strict=True)
        inside = {tick: label for tick, label in pairs if low <= tick <= high}
        return Scale(low, high, True, list(inside), list(inside.values()))
    ticks = round_ticks(low, high, axis.whole)
    return Scale(low, high, False, ticks, labels(ticks))


def round_ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers from ``low`` to ``high``, both included where they are round."""
    step = _step(low, high, whole)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def labels(ticks: Sequence[float]) -> list[str]:
    """Numbers with equally many decimals, as few as tell them apart."""
    texts = [f"{tick:.10f}".rstrip("0").rstrip(".") for tick in ticks]
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [f"{tick:,.{decimals}f}".replace("-", "−") for tick in ticks]


def _linear(axis: Axis, low: float, high: float) -> Scale:
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-300):  # equal values lie in the middle
        room = abs(low) / 2 or 0.5
        low, high = low - room, high + room
    step = _step(low, high, axis.whole)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    low = low if axis.low is None else max(low, axis.low)
    high = high if axis.high is None else min(high, axis.high)
    ticks = round_ticks(low, high, axis.whole)
    return Scale(low, high, False, ticks, labels(ticks))


def _logarithmic(low: float, high: float) -> Scale:
    """From one number of 1, 2, 5, 10, … to another; of several decades, powers of ten alone."""
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    factors = (1, 2, 5) if high / low < 10**DECADES else (1,)
    marks = [factor * 10.0**power for power in decades for factor in factors]
    first = max(mark for mark in marks if mark <= low * (1 + 1e-9))
    last = min(mark for mark in marks if mark >= high * (1 - 1e-9) and mark > first)
    ticks = [mark for mark in marks if first <= mark <= last]
    every = -(-len(ticks) // (2 * INTERVALS))
    return Scale(first, last, True, ticks, [_plain(t) * (n % every == 0) for n, t in
                                            enumerate(ticks)])  # fmt: skip


def _plain(number: float) -> str:
    """A power of ten, or a small multiple of one, without an exponent."""
    return f"{number:,.12f}".rstrip("0").rstrip(".")


def _step(low: float, high: float, whole: bool) -> float:
    """The smallest round step that divides a range into at most ``INTERVALS``."""
    least = (high - low) / INTERVALS
    power = 10.0 ** math.floor(math.log10(least))
    steps = [power * each for each in STEPS if not whole or float(power * each).is_integer()]
    return next((step for step in steps if step >= least * (1 - 1e-9)), 1.0)
