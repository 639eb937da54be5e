"""Values of settings along an axis: numbers in numeric order, and spaced by their size or ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cifar_lab.report.figures.chart import TICKS, spans
from cifar_lab.report.figures.configurations import DARK, SMALL
from cifar_lab.report.figures.lettering import POINTS, fitted, labels, on_one_line, width

#: Numbers that span more than this factor are spaced by their ratio.
LOG_BEYOND = 30
#: Most numbers that are ticks themselves.
OWN_TICKS = 8
#: Closest ticks, as a share of the axis.
APART = 0.06
#: What lies behind a tick's text, which lines may cross.
BEHIND = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}


class Level(Protocol):
    """A value of a setting, and the mean of the runs that have it with its 95 % interval."""

    @property
    def value(self) -> str:
        """As it is written."""

    @property
    def mean(self) -> float:
        """In the unit of the figure."""

    @property
    def low(self) -> float:
        """Lower end of the interval; nan if there is none."""

    @property
    def high(self) -> float:
        """Upper end."""


class Factor(Protocol):
    """A setting that varies between runs."""

    @property
    def key(self) -> str:
        """Of the configuration."""

    @property
    def levels(self) -> Sequence[Level]:
        """One per value."""

    @property
    def balanced(self) -> bool:
        """Whether every value was run with the same combinations of the other settings."""


class Scale(NamedTuple):
    """Where values lie along an axis from 0 to 1.

    Attributes:
        places: one per value.
        ticks: place and text of each tick, in increasing order.
    """

    places: list[float]
    ticks: list[tuple[float, str]]


def number(value: str) -> float | None:
    """The finite number that a value is, if it is one."""
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def in_order(values: Sequence[str]) -> list[str]:
    """Different values: numbers in numeric order, then others in the order given.

    False comes before true in any order, so that the axes of several settings can be compared.
    """
    different = list(dict.fromkeys(values))
    if {value.lower() for value in different} <= {"true", "false"}:
        return sorted(different, key=str.lower)
    numbers = {value: found for value in different if (found := number(value)) is not None}
    return [*sorted(numbers, key=numbers.__getitem__), *(v for v in different if v not in numbers)]


def scale(values: Sequence[str]) -> Scale:
    """Space values out: numbers by their size, or their ratio if they span more than 30 times.

    If any value is not a number, all are equally far apart.
    """
    found = [number(value) for value in values]
    numbers = [each for each in found if each is not None]
    if not values:
        return Scale([], [])
    if len(numbers) < len(values):
        levels = in_order(values)
        at = dict(zip(levels, _between(range(len(levels))), strict=True))
        return Scale([at[value] for value in values], [(at[level], level) for level in levels])
    different = sorted(set(numbers))
    shown = different if len(different) <= OWN_TICKS else _round(different)
    places = _between(_spread([*numbers, *shown]))
    texts = [f"{each:.6g}" for each in shown]
    return Scale(places[: len(numbers)], list(zip(places[len(numbers) :], texts, strict=True)))


def draw_scales(
    axes: Axes, scales: Sequence[Scale], names: Sequence[str], between: float, margin: float
) -> None:
    """Draw vertical axes at 0, 1, 2, …, with their ticks at the left; the last one's at the right.

    Args:
        axes: from 0 to 1 in height, whose own frame is hidden.
        scales: one per axis.
        names: above the axes.
        between: distance of the axes, in inches.
        margin: room beside the outer ones, in inches.
    """
    axes.set(xlim=(0, len(names) - 1), ylim=(-0.04, 1.04))
    axes.set_axis_off()
    room, last = min(between, margin) - 0.15, len(names) - 1
    # Where they are long, neighbouring names lie on two lines: each has the room of two.
    staggered = max(width(name, SMALL) for name in names) > room
    titles = labels(names[:-1], 2 * room + 0.15, SMALL, "key", 1)
    titles.append(fitted(on_one_line(names[-1]), room + margin, SMALL))
    for n, (title, each) in enumerate(zip(titles, scales, strict=True)):
        axes.axvline(n, color=DARK, lw=1, clip_on=False)
        # What the last axis measures is written out, further to the right.
        aside = POINTS * max(0.0, width(title, SMALL) / 2 - room - 0.1) * (n == last)
        _write(axes, title, (n, 1.04), (aside, 4 + 14 * (n % 2) * staggered), ha="center")
        _draw_ticks(axes, n, each, room, right=n == last)


def _draw_ticks(axes: Axes, n: int, drawn: Scale, room: float, right: bool) -> None:
    side, away = ("left", 5) if right else ("right", -5)
    texts = labels([text for _, text in drawn.ticks], room, SMALL, "value", 1)
    last = -APART
    for (place, _), text in zip(drawn.ticks, texts, strict=True):
        if place - last >= APART:  # of two whose texts would overlap, the upper one is left out
            last = place
            axes.plot([n], [place], "_", color=DARK, ms=6, clip_on=False)
            _write(axes, text, (n, place), (away, 0), ha=side, va="center", bbox=BEHIND)


def _write(
    axes: Axes, text: str, at: tuple[float, float], away: tuple[float, float], **settings: Any
) -> None:
    """Write a text some points away from a place, outside the axes as well."""
    axes.annotate(
        text, at, away, textcoords="offset points", size=SMALL, annotation_clip=False, **settings
    )


def _spread(numbers: Sequence[float]) -> list[float]:
    return [math.log(each) for each in numbers] if spans(numbers, LOG_BEYOND) else list(numbers)


def _between(numbers: Sequence[float]) -> list[float]:
    """Numbers mapped to 0 … 1; in the middle if all are equal."""
    low, high = min(numbers), max(numbers)
    return [(each - low) / (high - low) if high > low else 0.5 for each in numbers]


def _round(numbers: Sequence[float]) -> list[float]:
    """Round numbers that enclose no more than the given ones, with the given ends."""
    low, high = numbers[0], numbers[-1]
    if spans(numbers, LOG_BEYOND):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 2, 5) if len(powers) <= TICKS - 1 else (1,)
        inner = [step * 10.0**power for power in powers for step in steps]
    else:
        inner = list(np.asarray(MaxNLocator(TICKS).tick_values(low, high)))
    return [float(each) for each in inner if low <= each <= high]
