"""Shared by every chart: colour-blind-safe colours, margins and a tidy frame."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from cifar_lab.report.figures.image_grid import DPI, PNG_SETTINGS
from cifar_lab.report.figures.lettering import SIZE, PlainLog, labels, width

#: From Okabe and Ito's palette (https://jfly.uni-koeln.de/color/).
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
#: Shades that are darker the higher the value, in colour, in grey and for the colour-blind alike:
#: cividis (Nuñez et al., 2018, https://doi.org/10.1371/journal.pone.0199239), without its lightest.
SHADES = ListedColormap(matplotlib.colormaps["cividis_r"](np.linspace(0.1, 1, 256)))
#: Maximum number of intervals on an axis.
TICKS = 5
#: Maximum number of classes whose counts are legible in a matrix, and whose names are in a chart.
COUNTED_CLASSES, NAMED_CLASSES = 25, 120


def axes_side_by_side(
    figure: Figure,
    columns: int,
    left: float = 0.8,
    bottom: float = 0.5,
    top: float = 0.1,
    right: float = 0.2,
    between: float = 0.22,
) -> list[Axes]:
    """Axes with margins in inches, as an automatic layout would draw everything twice.

    ``between`` is the room between two axes as a multiple of their width.
    """
    width, height = figure.get_size_inches()
    grid = figure.subplots(
        1,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": left / width,
            "right": 1 - right / width,
            "bottom": bottom / height,
            "top": 1 - top / height,
            "wspace": between,
        },
    )
    return list(grid[0])


def axes_at(
    figure: Figure, left: float, bottom: float, width: float, height: float, **settings: Any
) -> Axes:
    """Axes whose place and size are given in inches."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high), **settings)


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
    """Set the ticks of an axis of classes; below a chart, names that are too wide stand upright."""
    if not scale.labels:
        axis.set_label_text("class number")
        return
    axis.set_ticks(range(len(scale.labels)), scale.labels)
    axis.set_tick_params(length=0, labelsize=scale.size)
    room = scale.side / len(scale.labels)
    if isinstance(axis, XAxis) and max(width(name, scale.size) for name in scale.labels) > room:
        axis.set_tick_params(labelrotation=90)


def tidy(axes: Axes) -> None:
    """Set the frame and grid of a chart whose values are read from the left axis."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(TICKS))


def tidy_rows(axes: Axes) -> None:
    """Set the frame and grid of a chart with one row per name, whose values are read below it."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def span_at_least(axes: Axes, which: Literal["x", "y"], span: float) -> None:
    """Widen the linear axis ``x`` or ``y``, so that values that are almost equal look so.

    Its numbers are written out, without an offset or a factor above the chart.
    """
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    missing = max(0.0, span - abs(high - low)) * np.sign(high - low)
    axes.set(**{f"{which}lim": (low - missing / 2, high + missing / 2)})
    axes.ticklabel_format(axis=which, style="plain", useOffset=False)


def spans(values: ArrayLike, times: float) -> bool:
    """Whether numbers are all positive and the largest is more than ``times`` the smallest.

    Those that are not finite are passed over.
    """
    numbers = np.asarray(values, np.float64)
    finite = numbers[np.isfinite(numbers)]
    return bool(finite.size and finite.min() > 0 and finite.max() > times * finite.min())


def limits_of(values: NDArray[np.float64]) -> Normalize:
    """The range of the finite values, for their colours."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return Normalize(low, high) if high > low else Normalize(low - 0.5, high + 0.5)


def plain_log(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers, also between its decades if it has few."""
    axis.set_major_formatter(PlainLog())
    axis.set_minor_formatter(PlainLog(labelOnlyBase=False, minor_thresholds=(1, 0.4)))


def png(figure: Figure) -> bytes:
    """Render a figure as the content of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs=PNG_SETTINGS)
    return buffer.getvalue()
