"""What settings do to the accuracy as the data of charts: factors, left-out pieces, importances."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.report.charts.dots import Dot, Dots, Group
from cifar_lab.report.charts.plot import Axis, Marked
from cifar_lab.report.charts.ranking import ACCURACY, LEVEL
from cifar_lab.report.figures.levels import Factor, Level, in_order
from cifar_lab.wording import signed


def effects(factors: Sequence[Factor], axis: Axis = ACCURACY) -> Dots:
    """The mean of each level with its interval, a group for each factor on one axis.

    Numbers are in numeric order, other values in the order given. Dots are hollow where a factor
    is not balanced: its means may also reflect what else differed.

    Args:
        factors: with at least one level each.
        axis: of the means.
    """
    return Dots(
        axis=axis,
        groups=[Group(each.key, [_level(each, level) for level in sorted_levels(each)])
                for each in factors],
        names="factor and value",
        heads=("mean",),
        legend={
            "dot": "mean over the other factors",
            "hollow": "mean; not every value ran with all combinations of the other factors",
            "interval": f"{LEVEL} interval",
        },
    )  # fmt: skip


def sorted_levels(factor: Factor) -> list[Level]:
    """Numbers in numeric order, and others as they are given."""
    order = in_order([str(level.value) for level in factor.levels])
    return sorted(factor.levels, key=lambda level: order.index(str(level.value)))


def largest_effect(factors: Sequence[Factor]) -> str:
    """Which factor has the means that are furthest apart, in a sentence."""

    def apart(factor: Factor) -> tuple[Level, Level]:
        ranked = sorted(factor.levels, key=lambda level: level.mean)
        return ranked[0], ranked[-1]

    factor = max(factors, key=lambda each: apart(each)[1].mean - apart(each)[0].mean)
    low, high = apart(factor)
    return (
        f"The largest effect is that of {factor.key}: {high.mean:.2f} % with {high.value}, "
        f"{high.mean - low.mean:.2f} points above {low.value}."
    )


def differences(
    names: Sequence[str], changes: Sequence[float], lows: Sequence[float], highs: Sequence[float],
    kind: str, label: str = "change of the accuracy (points)", digits: int = 2,
) -> Dots:  # fmt: skip
    """How the accuracy differs from a baseline's, with a line at zero.

    Args:
        names: of what was changed.
        changes: in points; nan if there is none.
        lows, highs: ends of the 95 % intervals, in points; nan if there is none.
        kind: heading of the names.
        label: of the axis.
        digits: after the decimal point.
    """
    rows = zip(names, changes, lows, highs, strict=True)
    return Dots(
        axis=Axis(label=label),
        groups=[Group("", [_difference(*row, digits) for row in rows])],
        names=kind,
        heads=("change", f"{LEVEL} interval"),
        legend={
            "dot": "clear: its interval excludes zero",
            "hollow": "not clear",
            "interval": f"{LEVEL} interval",
        },
        marked=[Marked(0.0, "no change")],
    )


def by_class(
    names: Sequence[str], changes: NDArray[np.float64], configurations: Sequence[str]
) -> Dots:
    """How the accuracy of each class differs from the baseline's, a group for each configuration.

    Args:
        names: of the classes, in the order of the labels.
        changes: in points, float64 ``(configurations, classes)``; nan where there is none.
        configurations: names, without the baseline.
    """
    several = len(configurations) > 1
    groups = [
        Group(title if several else "", [_class(name, float(change), title)
                                         for name, change in zip(names, row, strict=True)])
        for title, row in zip(configurations, changes, strict=True)
    ]  # fmt: skip
    return Dots(
        axis=Axis(label="change of the class's accuracy (points)"),
        groups=groups,
        names="class",
        heads=("change",),
        marked=[Marked(0.0, "no change")],
    )


def importances(shares: Sequence[tuple[str, float]]) -> Dots:
    """How much each key explains of the differences between trials.

    Args:
        shares: keys with a share in 0 … 1, which is nan where there is none.
    """
    rows = []
    for key, share in sorted(shares, key=lambda each: -each[1] if each[1] >= 0 else 1.0):
        text = f"{100 * share:.0f} %" if math.isfinite(share) else "unknown"
        rows.append(Dot(name=key, value=100 * share, low=0.0 if math.isfinite(share) else math.nan,
                        high=100 * share, shown=(text,), told=f"{key}: {text}."))  # fmt: skip
    axis = Axis(label="importance (% of all keys)", low=0, high=100)
    return Dots(axis=axis, groups=[Group("", rows)], names="key", heads=("importance",))


def _level(factor: Factor, level: Level) -> Dot:
    words = f"{factor.key}={level.value}: mean {level.mean:.2f}"
    if math.isfinite(level.low):
        words += f"; {LEVEL} interval {level.low:.2f} to {level.high:.2f}"
    return Dot(name=str(level.value), value=level.mean, low=level.low, high=level.high,
               hollow=not factor.balanced, shown=(f"{level.mean:.2f}",),
               told=f"{words}.")  # fmt: skip


def _class(name: str, change: float, configuration: str) -> Dot:
    """A line from zero to the change."""
    known = math.isfinite(change)
    text = signed(change, 1) if known else "–"
    told = f"{configuration}, {name}: {text}{' points' * known}."
    return Dot(name=name, value=change, low=min(0.0, change) if known else math.nan,
               high=max(0.0, change) if known else math.nan, shown=(text,), told=told)  # fmt: skip


def _difference(name: str, change: float, low: float, high: float, digits: int) -> Dot:
    known = math.isfinite(low) and math.isfinite(high)
    text = signed(change, digits) if math.isfinite(change) else "no result"
    between = f"{signed(low, digits)} to {signed(high, digits)}" if known else "–"
    words = f"{name}: {text}"
    words += f"; {LEVEL} interval {between}" * known
    return Dot(name=name, value=change, low=low, high=high, hollow=not known or low <= 0 <= high,
               shown=(text, between), told=f"{words}.")  # fmt: skip
