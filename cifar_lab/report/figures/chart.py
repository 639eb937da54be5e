"""Shared by every chart: colour-blind-safe colours, margins and a tidy frame."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifar_lab.report.figures.image_grid import DPI, PNG_SETTINGS

#: From Okabe and Ito's palette (https://jfly.uni-koeln.de/color/).
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#999999"
#: Maximum number of intervals on an axis.
TICKS = 5
#: Maximum number of classes whose counts and names are legible in a chart.
READABLE_CLASSES = 25


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
