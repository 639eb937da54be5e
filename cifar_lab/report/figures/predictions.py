"""Charts of a model's predictions, each drawn from plain arrays and returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cifar_lab.report.charts.plot import Plot
from cifar_lab.report.figures.chart import (
    COUNTED_CLASSES,
    axes_side_by_side,
    class_scale,
    name_classes,
    png,
)
from cifar_lab.report.figures.lettering import SIZE, lettering
from cifar_lab.report.figures.plots import count, draw, legend


@lettering()
def confusion_matrix(matrix: NDArray[np.int64], class_names: Sequence[str]) -> bytes:
    """Draw true classes from top to bottom and predicted classes from left to right.

    Cells are coloured by their share of the true class; counts, and names in place of numbers, are
    shown as long as they are legible.

    Args:
        matrix: counts, int64 ``(classes, classes)``.
        class_names: in the order of the labels.
    """
    scale = class_scale(class_names)
    side, margin = max(scale.side, 3.2), scale.margin
    figure = Figure(figsize=(side + margin + 0.2, side + margin + 0.1))
    (axes,) = axes_side_by_side(figure, 1, left=margin, bottom=margin)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for axis in (axes.xaxis, axes.yaxis):
        name_classes(axis, scale)
    number = "" if scale.labels else " (number)"
    axes.set(xlabel=f"predicted class{number}", ylabel=f"true class{number}")
    if len(class_names) <= COUNTED_CLASSES:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, f"{count}", ha="center", va="center", color=colour, size=8)
    return png(figure)


@lettering()
def reliability(plot: Plot) -> bytes:
    """The diagrams of :func:`charts.predictions.reliability` side by side."""
    figure = Figure(figsize=(9, 4))
    across = axes_side_by_side(figure, len(plot.panels), top=0.6, right=0.75, between=0.42)
    for axes, panel in zip(across, plot.panels, strict=True):
        draw(axes, panel, plot.x)
        count(axes, plot, panel)
        quantity, _, of = panel.axis.label.partition(", ")
        axes.set_ylabel(quantity)
        axes.set_title(of, size=SIZE)
    figure.legend(*across[0].get_legend_handles_labels(), frameon=False, loc="upper left",
                  bbox_to_anchor=(0.08, 1), ncols=2)  # fmt: skip
    return png(figure)


@lettering()
def risk_by_coverage(plot: Plot) -> bytes:
    """The curves of :func:`charts.predictions.risk_by_coverage`."""
    figure = Figure(figsize=(9, 3))
    (axes,) = axes_side_by_side(figure, 1, top=0.35)
    draw(axes, plot.panels[0], plot.x)
    legend(axes)
    return png(figure)
