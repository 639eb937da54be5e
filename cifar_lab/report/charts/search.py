"""The trials of a search as the data of charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from cifar_lab.report.charts.dots import Dot, Dots, Group
from cifar_lab.report.charts.plot import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    Axis,
    Marker,
    Panel,
    Plot,
    Series,
)
from cifar_lab.report.figures.chart import spans
from cifar_lab.report.figures.levels import LOG_BEYOND, in_order, number

#: How trials are drawn that were not trained to their end, by state.
OTHERS: dict[str, tuple[int, Marker]] = {
    "pruned": (GREY, "s"), "failed": (VERMILION, "^"), "running": (BLACK, "s"),
}  # fmt: skip
#: Different numbers from which on a key has an axis of its own rather than rows.
NUMBERS = 3


def history(values: Sequence[float | None], states: Sequence[str], axis: Axis) -> Plot:
    """Each trial's value and the best so far; trials without a result lie at the bottom.

    Args:
        values: in the order in which the trials were chosen, the higher the better.
        states: ``done``, ``pruned``, ``failed`` or ``running``; a value counts if done.
        axis: of the values.
    """
    numbers = list(range(len(values)))
    kept = [_kept(value, state) for value, state in zip(values, states, strict=True)]
    done = [n for n in numbers if math.isfinite(kept[n])]
    trial = Series(name="trial", x=done, y=[kept[n] for n in done], colour=BLUE, line=False,
                   marker="o")  # fmt: skip
    series = [trial, *_best_so_far(kept)] if done else []
    for state, (colour, marker) in OTHERS.items():
        places = [n for n in numbers if states[n] == state]
        if places:
            told = [_ended(values[n], state, axis) for n in places]
            series.append(Series(name=f"{state} ({len(places)})", x=places,
                                 y=[-math.inf] * len(places), colour=colour, line=False,
                                 marker=marker, told=told))  # fmt: skip
    x = Axis(label="trial", low=0, high=max(1, len(values) - 1), whole=True, digits=".0f")
    return Plot(x=x, panels=[Panel(axis, series)])


def by_number(
    key: str, chosen: Sequence[float], values: Sequence[float], trials: Sequence[int], axis: Axis
) -> Plot:
    """The result of each trial against a key that is a number, on a logarithmic axis if it spans.

    Args:
        key: of the configuration.
        chosen: its values.
        values: results of the same trials.
        trials: their numbers.
        axis: of the results.
    """
    order = sorted(range(len(chosen)), key=lambda n: chosen[n])
    told = [f"{values[n]:{axis.digits}} (trial {trials[n]})" for n in order]
    points = Series(name=axis.label, x=[chosen[n] for n in order], y=[values[n] for n in order],
                    colour=BLUE, line=False, marker="o", told=told)  # fmt: skip
    log: Literal["always", "never"] = "always" if spans(chosen, LOG_BEYOND) else "never"
    return Plot(
        x=Axis(label=key, low=min(chosen), high=max(chosen), log=log, digits=".4g"),
        panels=[Panel(axis, [points])],
    )


def by_level(
    key: str, chosen: Sequence[str], values: Sequence[float], trials: Sequence[int], axis: Axis
) -> Dots:
    """The results of trials by the value of a key; the arguments as of :func:`by_number`."""
    rows = []
    for level in in_order(list(chosen)):
        found = [(value, trial) for value, trial, each in zip(values, trials, chosen, strict=True)
                 if each == level]  # fmt: skip
        best, best_trial = max(found)
        told = f"{key}={level}: best {best:{axis.digits}} (trial {best_trial}) of {len(found)}."
        rows.append(Dot(name=level, value=best, runs=[value for value, _ in found],
                        shown=(f"{best:{axis.digits}}", str(len(found))), told=told))  # fmt: skip
    return Dots(axis=axis, groups=[Group("", rows)], names=key, heads=("best", "trials"),
                legend={"dot": "best trial", "run": "a trial"})  # fmt: skip


def numbers_of(chosen: Sequence[str]) -> list[float] | None:
    """The values of a key as numbers; None if some are not, or there are only a few."""
    found = [value for value in map(number, chosen) if value is not None]
    return found if len(found) == len(chosen) and len(set(found)) >= NUMBERS else None


def _kept(value: float | None, state: str) -> float:
    return value if value is not None and state == "done" else math.nan


def _best_so_far(kept: Sequence[float]) -> list[Series]:
    """A step for each trial that is better than all before it."""
    x: list[float] = []
    y: list[float] = []
    for n, value in enumerate(kept):
        if math.isfinite(value) and (not y or value > y[-1]):
            x += [n, n] if y else [n]
            y += [y[-1], value] if y else [value]
    return [
        Series(name="best so far", x=[*x, len(kept) - 1], y=[*y, y[-1]], colour=BLACK, dense=True)
    ]


def _ended(value: float | None, state: str, axis: Axis) -> str:
    at = f" at {value:{axis.digits}}" if value is not None and math.isfinite(value) else ""
    return f"{state}{at}"
