"""Panels of a chart's data on matplotlib axes, as the page draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from cifar_lab.report.charts.histogram import histogram
from cifar_lab.report.charts.plot import PALETTE, Axis, Marked, Panel, Plot
from cifar_lab.report.charts.scale import exact_scale, scale_of
from cifar_lab.report.figures.chart import axes_at, plain_log, png, tidy
from cifar_lab.report.figures.lettering import lettering


def draw(axes: Axes, panel: Panel, x: Axis, marked: Sequence[Marked] = ()) -> None:
    """Draw a panel with its limits, ticks and labels; the legend is left to the figure."""
    for each in marked:
        axes.axvline(each.x, color="#999999", lw=1.2, ls="--", zorder=0, label=each.name)
    for series in panel.series:
        colour, style = PALETTE[series.colour], (0, series.dash) if series.dash else "-"
        axes.plot(
            series.x,
            series.y,
            color=colour,
            linestyle=style if series.line else "",
            marker=series.marker,
            ms=4,
            label=series.name,
            clip_on=False,  # values at the ends of an axis are whole
        )
        if series.band is not None and series.whiskers:
            axes.vlines(series.x, *series.band, color=colour, lw=1.2, clip_on=False)
        elif series.band is not None:
            axes.fill_between(series.x, *series.band, color=colour, alpha=0.15, linewidth=0)
    tidy(axes)
    across, down = exact_scale(x), scale_of(panel.axis, panel.values())
    axes.set(xlabel=x.label, ylabel=panel.axis.label, xlim=(across.low, across.high))
    if x.log == "always":
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(list(across.ticks)))
    axes.xaxis.set_major_formatter(FixedFormatter(list(across.labels)))
    if panel.axis.log == "always":
        axes.set_yscale("log")
        plain_log(axes.yaxis)
        return
    axes.set_ylim(down.low, down.high)
    axes.yaxis.set_major_locator(FixedLocator(list(down.ticks)))


def count(axes: Axes, plot: Plot, panel: Panel) -> None:
    """Draw the histogram of a panel behind its values, with its scale at the right."""
    shown = histogram(plot, panel.counts)
    if shown is None:
        return
    behind, across = axes.twinx(), exact_scale(plot.x)
    left, width, height = np.asarray(shown.bars).T
    span = across.high - across.low
    behind.bar(across.low + span * left, height, span * width, align="edge", color="#d5d5d5",
               edgecolor="white", linewidth=0.6, label=shown.name)  # fmt: skip
    behind.set(ylim=(0, 1))
    behind.set_yticks([share for share, _ in shown.ticks], [label for _, label in shown.ticks])
    behind.spines[["top", "left", "bottom"]].set_visible(False)
    behind.spines["right"].set_bounds(0, shown.ticks[-1][0])
    behind.annotate(shown.name, (1, shown.ticks[-1][0]), (4, 9), xycoords="axes fraction",
                    textcoords="offset points")  # fmt: skip
    axes.set_zorder(behind.get_zorder() + 1)
    axes.patch.set_visible(False)


@lettering()
def alone(plot: Plot) -> bytes:
    """Draw a chart whose panels lie below each other, with its legend above them."""
    count = len(plot.panels)
    figure = Figure(figsize=(9, 0.95 + 2.3 * count))
    for number, panel in enumerate(plot.panels):
        axes = axes_at(figure, 0.9, 0.55 + 2.3 * (count - 1 - number), 7.9, 1.95)
        draw(axes, panel, plot.x, plot.marked)
        if number == 0 and len(panel.series) > 1:
            legend(axes)
    return png(figure)


def legend(axes: Axes) -> None:
    """Put the legend above the axes, where it covers no curve."""
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.1,
                columnspacing=1.2, handletextpad=0.5)  # fmt: skip
