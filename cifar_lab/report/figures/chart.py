"""Shared by every chart: colour-blind-safe colours, margins and a tidy frame."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifar_lab.report.figures.image_grid import DPI, PNG_SETTINGS
from cifar_lab.report.figures.lettering import SIZE, labels, width

#: From Okabe and Ito's palette (https://jfly.uni-koeln.de/color/).
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
#: Maximum number of intervals on an axis.
TICKS = 5
#: Maximum number of classes whose counts are legible in a matrix, and whose names are in a chart.
COUNTED_CLASSES, NAMED_CLASSES = 25, 120


def axes_side_by_side(
    figure: Figure, columns: int, left: float = 0.8, bottom: float = 0.5, top: float = 0.1
) -> list[Axes]:
    """Axes with margins in inches, as an automatic layout would draw everything twice."""
    width, height = figure.get_size_inches()
    grid = figure.subplots(
        1,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / width,
            "right": 1 - 0.2 / width,
            "bottom": bottom / height,
            "top": 1 - top / height,
            "wspace": 0.22,
        },
    )
    return list(grid[0])


class ClassScale(NamedTuple):
    """How the classes lie along an axis.

    Attributes:
        labels: one per class; empty if there are too many, which are numbered instead.
        size: of the labels, in points.
        side: length of the axis, in inches.
        margin: room for the labels beside it and for the axis label, in inches.
    """

    labels: Sequence[str]
    size: float
    side: float
    margin: float


def class_scale(names: Sequence[str]) -> ClassScale:
    """The more classes, the closer they lie; beyond ``NAMED_CLASSES`` they are only numbered."""
    count = len(names)
    if count > NAMED_CLASSES:
        return ClassScale((), SIZE, 10.0, 0.7)
    size = SIZE if count <= COUNTED_CLASSES else 8.0
    shown = labels(names, size=size)
    side = 0.62 * count if count <= COUNTED_CLASSES else max(8.0, 0.115 * count)
    return ClassScale(shown, size, side, 0.45 + max(width(label, size) for label in shown))


def name_classes(axis: Axis, scale: ClassScale) -> None:
    """Set the ticks of an axis of classes; their names stand upright below a chart."""
    if not scale.labels:
        axis.set_label_text("class number")
        return
    axis.set_ticks(range(len(scale.labels)), scale.labels)
    axis.set_tick_params(length=0, labelsize=scale.size)
    if isinstance(axis, XAxis):
        axis.set_tick_params(labelrotation=90)


def tidy(axes: Axes) -> None:
    """Set the frame and grid of a chart whose values are read from the left axis."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(TICKS))


def png(figure: Figure) -> bytes:
    """Render a figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs=PNG_SETTINGS)
    return buffer.getvalue()
