"""Charts of dots by name as PNG bytes, from the data that the page draws as well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from cifar_lab.report.charts.dots import Dot, Dots, Part
from cifar_lab.report.charts.scale import scale_of
from cifar_lab.report.figures.chart import BLUE, VERMILION, axes_side_by_side, png, tidy_rows
from cifar_lab.report.figures.configurations import SMALL
from cifar_lab.report.figures.lettering import POINTS, SIZE, labels, lettering, width

#: Room for a name at the left, and width of the figure, in inches.
ROOM, WIDTH = 3.4, 9.0
#: Height of a row, and of the axis with its label, in inches.
ROW, BELOW = 0.28, 0.55
#: Room between two columns of values, in inches.
GAP = 0.22
#: How each part is drawn.
LOOKS: dict[Part, dict[str, Any]] = {
    "dot": {"marker": "o", "ms": 6, "color": BLUE, "ls": ""},
    "hollow": {"marker": "o", "ms": 6, "mec": BLUE, "mfc": "white", "mew": 1.4, "ls": ""},
    "interval": {"color": BLUE, "lw": 1.6},
    "run": {"marker": "o", "ms": 3.5, "mec": BLUE, "mfc": "none", "mew": 0.8, "ls": ""},
    "reference": {"marker": "|", "ms": 12, "mew": 2, "color": "black", "ls": ""},
    "second": {"marker": "s", "ms": 5, "color": VERMILION, "ls": ""},
    "second interval": {"color": VERMILION, "lw": 1.6},
}


@lettering()
def dots(chart: Dots, names: Sequence[str] = ()) -> bytes:
    """Draw a chart with its values at the right of each row.

    Args:
        chart: what it shows.
        names: of the rows as they are drawn, if they are not to be shortened here.
    """
    rows = _rows(chart)
    cells = [dot.shown if dot else [""] * len(chart.heads) for _, dot in rows]
    columns = [max(width(text, SMALL) for text in column) + GAP
               for column in zip(chart.heads, *cells, strict=True)]  # fmt: skip
    names = names or labels([name for name, _ in rows], ROOM, kind="row", first=1)
    left = 0.3 + max(width(name, SIZE) for name in names)
    right = 0.2 + sum(columns)
    keys = chart.explained()
    lines = -(-(len(keys) + len(chart.marked)) // 3)
    above = 0.12 + 0.22 * lines + 0.15 * bool(chart.heads)
    figure = Figure(figsize=(WIDTH, above + ROW * len(rows) + BELOW))
    (axes,) = axes_side_by_side(figure, 1, left=left, bottom=BELOW, top=above, right=right)
    scale = scale_of(chart.axis, chart.values())
    for each in chart.marked:
        axes.axvline(each.x, color="#767676", lw=1.2, ls="--", label=each.name, zorder=1)
    for place, (_, dot) in enumerate(rows):
        if dot is not None:
            _draw(axes, place, dot, (scale.low, scale.high))
    for place, texts in enumerate([chart.heads, *cells], -1):
        _tell(axes, max(place, -0.85), texts, columns)
    axes.set_yticks(range(len(rows)), names)
    for tick, (_, dot) in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("normal" if dot else "bold")
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(scale.low, scale.high), xlabel=chart.axis.label)
    axes.xaxis.set_major_locator(FixedLocator(list(scale.ticks)))
    tidy_rows(axes)
    samples = [Line2D([], [], label=words, **LOOKS[part]) for part, words in keys]
    handles = [*samples, *axes.get_legend_handles_labels()[0]]
    if handles:
        figure.legend(handles=handles, frameon=False, loc="upper left", ncols=3, fontsize=SMALL,
                      bbox_to_anchor=(0, 1), borderaxespad=0.2)  # fmt: skip
    return png(figure)


def _rows(chart: Dots) -> list[tuple[str, Dot | None]]:
    """Rows by name; the titles of groups have no dot."""
    found: list[tuple[str, Dot | None]] = []
    for group in chart.groups:
        found += [(group.title, None)] * bool(group.title)
        found += [(dot.name, dot) for dot in group.dots]
    return found


def _draw(axes: Axes, row: int, dot: Dot, ends: Sequence[float]) -> None:
    """Draw a row; a second value lies below the first."""
    shift = 0.0 if dot.second is None else 0.18
    runs = [run for run in dot.runs if math.isfinite(run)]
    points: list[tuple[Part, Sequence[float], float]] = [
        ("interval", _within(dot.low, dot.high, ends), -shift),
        ("run", runs, 0.0),
        ("hollow" if dot.hollow else "dot", [dot.value], -shift),
        ("reference", [dot.reference], 0.0),
    ]
    if dot.second is not None:
        interval = _within(dot.second.low, dot.second.high, ends)
        points += [("second interval", interval, shift), ("second", [dot.second.value], shift)]
    there = dot.parts()
    for part, values, down in points:
        if part in there:
            axes.plot(values, [row + down] * len(values), **LOOKS[part], clip_on=False)


def _tell(axes: Axes, row: float, texts: Sequence[str], columns: Sequence[float]) -> None:
    """Write cells at the right of a row, in columns of these widths in inches, aligned right."""
    for text, end in zip(texts, accumulate(columns), strict=True):
        axes.annotate(text, (1, row), (POINTS * end, 0), xycoords=("axes fraction", "data"),
                      size=SMALL, textcoords="offset points", va="center", ha="right")  # fmt: skip


def _within(low: float, high: float, ends: Sequence[float]) -> list[float]:
    """An interval, cut off at the ends of the axis."""
    return [max(low, ends[0]), min(high, ends[1])]
