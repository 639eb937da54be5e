"""What each setting does to the accuracy, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cifar_lab.report.figures.chart import (
    BLUE,
    GREY,
    SHADES,
    TICKS,
    VERMILION,
    axes_at,
    limits_of,
    png,
    span_at_least,
    tidy,
)
from cifar_lab.report.figures.configurations import DARK, SMALL, note
from cifar_lab.report.figures.lettering import labels, lettering, width
from cifar_lab.report.figures.levels import Factor, Level, draw_scales, in_order, number, scale

#: Width of a figure, its margins and the gap between panels, in inches.
WIDTH, LEFT, RIGHT, GAP = 9.0, 0.8, 0.15, 0.25
#: Height of a panel and the room above it, in inches.
HEIGHT, ABOVE = 1.9, 0.35
#: Narrowest and widest place of a level, and narrowest panel, in inches.
NARROW, WIDE, PANEL = 0.42, 1.2, 1.4
#: Longest name of a level, in inches, and most levels that are all named.
LONGEST, LEVELS = 1.4, 40
#: Room for a colour bar, and the narrowest cell whose number is legible, in inches.
BAR, LEGIBLE = 1.0, 0.42
#: Room beside the outer ones of parallel axes, in inches, and most lines that are not thinner.
AXIS, MANY = 0.95, 60


class Row(NamedTuple):
    """Panels beside each other: their factors, widths and the room below them, in inches."""

    factors: list[Factor]
    widths: list[float]
    below: float


@lettering()
def effects(factors: Sequence[Factor], unit: str = "validation accuracy (%)") -> bytes:
    """Mean and 95 % interval of each level, one panel per factor, all on the same vertical axis.

    Numbers are in numeric order, other values in the order given. Points are hollow where a factor
    is not balanced: its means may also reflect what else differed.

    Args:
        factors: with at least one level each.
        unit: what the means are, with their unit.
    """
    rows = [_row(each) for each in _packed(factors)]
    words = "Hollow: not every value was run with all combinations of the other settings."
    words *= not all(factor.balanced for factor in factors)
    height = sum(ABOVE + HEIGHT + row.below for row in rows) + 0.25 * bool(words)
    figure = Figure(figsize=(WIDTH, height))
    top, first = height, None
    for row in rows:
        top -= ABOVE + HEIGHT
        left = LEFT
        for factor, wide in zip(row.factors, row.widths, strict=True):
            axes = axes_at(figure, left, top, wide, HEIGHT, sharey=first)
            first = first or axes
            _panel(axes, factor, wide)
            axes.tick_params(axis="y", labelleft=left == LEFT)
            if left == LEFT:
                axes.set_ylabel(unit, size=SMALL)
            left += wide + GAP
        top -= row.below
    if first:
        span_at_least(first, "y", 0.2)
    note(figure, words, LEFT, 0.07)
    return png(figure)


def _needed(factor: Factor) -> float:
    """Width of a factor's panel in inches, before the row is filled."""
    return min(max(PANEL, NARROW * len(factor.levels)), WIDTH - LEFT - RIGHT)


def _packed(factors: Sequence[Factor]) -> list[list[Factor]]:
    """As many factors to a row as there is room for, in their order."""
    rows: list[list[Factor]] = []
    free = 0.0
    for factor in factors:
        if not rows or free < _needed(factor):
            rows.append([])
            free = WIDTH - LEFT - RIGHT
        rows[-1].append(factor)
        free -= _needed(factor) + GAP
    return rows


def _row(factors: list[Factor]) -> Row:
    """Widen panels to fill their row, unless their levels would lie too far apart."""
    room = WIDTH - LEFT - RIGHT - GAP * (len(factors) - 1)
    needed = [_needed(factor) for factor in factors]
    wider = room / sum(needed)
    widths = [
        min(wider * each, max(each, PANEL, WIDE * len(factor.levels)))
        for each, factor in zip(needed, factors, strict=True)
    ]
    below = 0.35
    for factor, wide in zip(factors, widths, strict=True):
        shown, turned = _names(factor, wide)
        if turned:
            below = max(below, 0.2 + max(width(name, SMALL) for name in shown))
    return Row(factors, widths, below)


def _sorted(factor: Factor) -> list[Level]:
    order = in_order([str(level.value) for level in factor.levels])
    return sorted(factor.levels, key=lambda level: order.index(str(level.value)))


def _names(factor: Factor, wide: float) -> tuple[list[str], bool]:
    """The names of a panel's levels, and whether they must be turned to fit."""
    shown = labels([str(level.value) for level in _sorted(factor)], LONGEST, SMALL, "value", 1)
    return shown, max(width(name, SMALL) for name in shown) > wide / len(shown) - 0.08


def _panel(axes: Axes, factor: Factor, wide: float) -> None:
    levels = _sorted(factor)
    means, low, high = np.asarray([(e.mean, e.low, e.high) for e in levels], np.float64).T
    lengths = np.clip(np.nan_to_num([means - low, high - means]), 0, None)
    places = np.arange(len(levels))
    filling = BLUE if factor.balanced else "white"
    if all(number(str(level.value)) is not None for level in levels):
        axes.plot(places, means, color=BLUE, lw=0.8, alpha=0.5)
    known = np.isfinite(low) & np.isfinite(high)
    axes.errorbar(
        places[known], means[known], lengths[:, known], fmt="none", color=BLUE, capsize=3, lw=1.4
    )
    axes.plot(places, means, "o", color=BLUE, mfc=filling, ms=5.5, mew=1.3)
    shown, turned = _names(factor, wide)
    every = -(-len(shown) // LEVELS)
    axes.set_xticks(places[::every], shown[::every], rotation=90 * turned, size=SMALL)
    axes.set_xlim(-0.6, len(levels) - 0.4)
    # Hinting makes letters up to a few per cent wider than they are measured.
    (title,) = labels([factor.key], 0.97 * wide + 0.08, SMALL, kind="factor", first=1)
    axes.set_title(title, size=SMALL)
    tidy(axes)


@lettering()
def heat_map(
    rows: str,
    columns: str,
    row_values: Sequence[str],
    column_values: Sequence[str],
    means: NDArray[np.float64],
    counts: NDArray[np.int64],
    unit: str = "validation accuracy (%)",
) -> bytes:
    """Mean accuracy for each pair of values of two settings; the best is outlined.

    Numbers are written in the cells as long as they are legible, and the number of runs where it
    is not the same everywhere.

    Args:
        rows: key whose values lie from top to bottom.
        columns: key whose values lie from left to right.
        row_values: in the order drawn.
        column_values: in the order drawn.
        means: in the unit, float64 ``(rows, columns)``; nan where there are no runs.
        counts: number of runs, int64 ``(rows, columns)``.
        unit: what the means are, with their unit.
    """
    row_names = labels(row_values, LONGEST, SMALL, "value", 1)
    column_names = labels(column_values, LONGEST, SMALL, "value", 1)
    left = 0.55 + max(width(name, SMALL) for name in row_names)
    cell = float(np.clip((WIDTH - left - BAR) / len(column_names), 0.15, 1.4))
    widest = max(width(name, SMALL) for name in column_names)
    turned = widest > cell - 0.08
    below = 0.45 + (widest if turned else 0.2)
    wide, high = max(cell * len(column_names), 2.4), max(0.42 * len(row_names), 1.7)
    figure = Figure(figsize=(left + wide + BAR, below + high + 0.12))
    axes = axes_at(figure, left, below, wide, high)
    axes.set_xticks(range(len(column_names)), column_names, rotation=90 * turned, size=SMALL)
    axes.set_yticks(range(len(row_names)), row_names, size=SMALL)
    axes.set_xlabel(labels([columns], wide + BAR, SMALL, "key")[0], size=SMALL)
    axes.set_ylabel(labels([rows], high, SMALL, "key")[0], size=SMALL)
    bar_axes = axes_at(figure, left + wide + 0.15, below, 0.14, high)
    _fill(axes, bar_axes, means, unit)
    if cell >= LEGIBLE:
        _write_cells(axes, means, counts)
    return png(figure)


def _fill(axes: Axes, bar_axes: Axes, means: NDArray[np.float64], unit: str) -> None:
    """Colour the cells, outline the best and draw the colour bar."""
    image = axes.imshow(np.ma.masked_invalid(means), SHADES, limits_of(means), aspect="auto")
    axes.set_facecolor("#eeeeee")
    axes.tick_params(length=0)
    if np.isfinite(means).any():
        row, column = np.unravel_index(np.nanargmax(means), means.shape)
        corner = (float(column) - 0.5, float(row) - 0.5)
        for colour, thick in (("white", 5.0), (VERMILION, 2.5)):
            outline = Rectangle(corner, 1, 1, fill=False, ec=colour, lw=thick, clip_on=False)
            axes.add_patch(outline)
    bar = axes.figure.colorbar(image, cax=bar_axes)
    bar.locator = MaxNLocator(TICKS)
    bar.set_label(unit, size=SMALL)
    bar_axes.tick_params(labelsize=SMALL)


def _write_cells(axes: Axes, means: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    known, limits = np.isfinite(means), limits_of(means)
    differs = len(np.unique(counts[known])) > 1
    for (row, column), mean in np.ndenumerate(means):
        text, colour = "–", DARK
        if known[row, column]:
            text = f"{mean:.2f}" + f"\nn = {counts[row, column]}" * differs
            colour = "white" if limits(mean) > 0.45 else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, size=SMALL - differs)


@lettering()
def parallel_coordinates(
    keys: Sequence[str],
    configurations: Sequence[Sequence[str]],
    accuracy: Sequence[float],
    unit: str = "validation accuracy (%)",
) -> bytes:
    """A line per configuration through its values, darker the higher its accuracy.

    Numbers are spaced by their size, or by their ratio where they span more than 30 times. The
    line of the best configuration is thick, and lines without an accuracy are dotted.

    Args:
        keys: settings that differ, one axis each; the last axis is the accuracy's.
        configurations: each one's values, in the order of the keys.
        accuracy: of the configurations, in the unit; nan if there is none.
        unit: what the accuracy is, with its unit.
    """
    values = np.asarray(accuracy, np.float64)
    known = np.isfinite(values)
    scales = [scale([row[n] for row in configurations]) for n in range(len(keys))]
    scales.append(scale([str(value) for value in values[known]]))
    places = np.full((len(values), len(scales)), np.nan)
    places[:, :-1] = np.transpose([each.places for each in scales[:-1]])
    places[known, -1] = scales[-1].places
    figure = Figure(figsize=(max(WIDTH, 0.7 * len(keys) + 2 * AXIS), 4.2))
    total = figure.get_size_inches()[0]
    axes = axes_at(figure, AXIS, 0.4, total - 2 * AXIS, 3.1)
    draw_scales(axes, scales, [*keys, unit], (total - 2 * AXIS) / len(keys), AXIS)
    thin = 1.2 if len(values) <= MANY else 0.7
    for n in np.flatnonzero(~known).tolist():
        axes.plot(places[n], color=GREY, lw=thin, ls=":")
    order = np.flatnonzero(known)[np.argsort(values[known], kind="stable")].tolist()
    for n in order:  # the higher the accuracy, the further in front
        axes.plot(places[n], color=SHADES(limits_of(values)(values[n])), lw=thin)
    words = "Dotted: no accuracy. " * (not known.all())
    if order:
        best = int(np.nanargmax(values))
        axes.plot(places[best], color="white", lw=6.5)
        axes.plot(places[best], color=SHADES(limits_of(values)(values[best])), lw=4)
        words += f"Thick: the best configuration, {values[best]:.2f}."
    note(figure, words, AXIS / 2, 0.07)
    return png(figure)
