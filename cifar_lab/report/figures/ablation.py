"""What leaving parts out costs, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cifar_lab.report.figures.chart import (
    BLUE,
    TICKS,
    axes_side_by_side,
    png,
    span_at_least,
    tidy_rows,
)
from cifar_lab.report.figures.configurations import DARK, SMALL
from cifar_lab.report.figures.lettering import SIZE, labels, lettering, width

#: Room for a name at the left, and for a value at the right, in inches.
ROOM, VALUE = 3.4, 0.8
#: Marker, edge and filling of a point by what its interval says.
LOOKS = {
    "95 % interval excludes 0": ("o", BLUE, BLUE),
    "95 % interval includes 0": ("o", BLUE, "white"),
    "no interval": ("D", "black", "black"),
}


@lettering()
def costs(
    names: Sequence[str],
    differences: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
) -> bytes:
    """How leaving out each part changes the accuracy, from top to bottom in the order given.

    Args:
        names: of what is left out.
        differences: accuracy without the part minus that with it, in points; nan if there is none.
        lows: lower ends of the 95 % intervals, in points; nan if there is none.
        highs: upper ends.
    """
    shown = labels(names, ROOM, kind="part", first=1)
    margin = 0.3 + max(width(label, SIZE) for label in shown)
    figure = Figure(figsize=(9, 0.95 + 0.3 * len(names)))
    (axes,) = axes_side_by_side(figure, 1, left=margin, top=0.4, right=VALUE)
    axes.axvline(0, color=DARK, linewidth=1.2)
    used = [
        _draw(axes, row, *ends)
        for row, ends in enumerate(zip(differences, lows, highs, strict=True))
    ]
    axes.set_yticks(range(len(shown)), shown)
    axes.set(ylim=(len(shown) - 0.4, -0.6), xlabel="change of the accuracy when left out (points)")
    axes.margins(x=0.08)
    span_at_least(axes, "x", 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(TICKS + 2))
    tidy_rows(axes)
    _explain(axes, [kind for kind in LOOKS if kind in used])
    return png(figure)


def _draw(axes: Axes, row: int, middle: float, low: float, high: float) -> str:
    """Draw a row; the answer is the kind of its point, or nothing if it has none."""
    text, kind = "no result", ""
    if np.isfinite(middle):
        text, kind = f"{round(middle, 2) + 0.0:+.2f}".replace("-", "−"), _kind(low, high)
        marker, edge, filling = LOOKS[kind]
        if kind != "no interval":
            axes.plot([low, high], [row, row], color=edge, linewidth=1.6, marker="|", ms=7)
        axes.plot([middle], [row], marker, ms=6, mec=edge, mfc=filling, mew=1.4)
    axes.annotate(
        text,
        (1, row),
        (6, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        size=SMALL,
    )
    return kind


def _kind(low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return "no interval"
    return f"95 % interval {'includes' if low <= 0 <= high else 'excludes'} 0"


def _explain(axes: Axes, kinds: Sequence[str]) -> None:
    """Name the looks that were used, above the chart."""
    samples = [
        Line2D([], [], ls="", marker=marker, mec=edge, mfc=filling, ms=6, mew=1.4, label=kind)
        for kind in kinds
        for marker, edge, filling in (LOOKS[kind],)
    ]
    if samples:
        axes.legend(
            handles=samples, frameon=False, loc="lower right", bbox_to_anchor=(1, 1),
            ncols=len(samples), fontsize=SMALL, borderaxespad=0.2,
        )  # fmt: skip
