"""Accuracy by the values of several settings, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cifar_lab.report.figures.chart import (
    GREY,
    SHADES,
    TICKS,
    VERMILION,
    axes_at,
    limits_of,
    png,
)
from cifar_lab.report.figures.configurations import DARK, SMALL, note
from cifar_lab.report.figures.lettering import labels, lettering, width
from cifar_lab.report.figures.levels import draw_scales, scale

#: Width of a figure and the longest name of a value, in inches.
WIDTH, LONGEST = 9.0, 1.4
#: Room for a colour bar, and the narrowest cell whose number is legible, in inches.
BAR, LEGIBLE = 1.0, 0.42
#: Room beside the outer ones of parallel axes, in inches, and most lines that are not thinner.
AXIS, MANY = 0.95, 60


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
