"""Charts of a model's predictions, each drawn from plain arrays and returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cifar_lab.analysis.confidence import Calibration
from cifar_lab.analysis.intervals import Interval
from cifar_lab.analysis.predictions import UNDEFINED, ClassResult
from cifar_lab.report.charts import predictions as charts
from cifar_lab.report.figures.chart import (
    BLUE,
    COUNTED_CLASSES,
    VERMILION,
    axes_side_by_side,
    class_scale,
    name_classes,
    png,
)
from cifar_lab.report.figures.lettering import SIZE, labels, lettering, width
from cifar_lab.report.figures.plots import draw, legend


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
def class_recalls(results: Sequence[ClassResult], class_names: Sequence[str]) -> bytes:
    """Recall and precision of classes with their intervals, in the order of the results.

    Args:
        results: of some or all classes; a ratio without cases has words in place of a point.
        class_names: of all classes, in the order of the labels.
    """
    all_labels = labels(class_names)
    shown = [all_labels[result.label] for result in results]
    figure = Figure(figsize=(9, 0.9 + 0.3 * len(results)))
    margin = 0.3 + max(width(label, SIZE) for label in shown)
    (axes,) = axes_side_by_side(figure, 1, left=margin, top=0.4)
    for name, colour, marker, shift in (
        ("recall", BLUE, "o", -0.14),
        ("precision", VERMILION, "s", 0.14),
    ):
        intervals = [getattr(result, name) for result in results]
        undefined = Interval(np.nan, np.nan, np.nan)
        found = np.asarray([undefined if each is None else each for each in intervals])
        lengths = np.stack([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]])
        axes.errorbar(
            100 * found[:, 0],
            np.arange(len(results)) + shift,
            xerr=100 * np.clip(lengths, 0, None),
            fmt=marker,
            color=colour,
            ms=4,
            label=name,
        )
        for row, each in enumerate(intervals):
            if each is None:
                told = f"{name}: {UNDEFINED[name]}"
                axes.text(1, row + shift, told, color=colour, size=8, va="center")
    axes.set_xlim(-2, 102)
    axes.set_yticks(range(len(results)), shown)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.set_xlabel("% (95 % interval)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return png(figure)


@lettering()
def reliability(found: Calibration) -> bytes:
    """Accuracy against confidence by bin, and the number of images in each bin."""
    plot = charts.reliability(found)
    figure = Figure(figsize=(9, 3.6))
    for axes, panel in zip(axes_side_by_side(figure, 2, top=0.35), plot.panels, strict=True):
        draw(axes, panel, plot.x)
        if len(panel.series) > 1:
            legend(axes)
    return png(figure)


@lettering()
def accuracy_by_coverage(shares: NDArray[np.float64], accuracies: NDArray[np.float64]) -> bytes:
    """Accuracy on the most confident predictions against the share of images kept.

    Args:
        shares: shares of images kept, float64 ``(n,)``.
        accuracies: accuracies on the images kept, float64 ``(n,)``.
    """
    plot = charts.accuracy_by_coverage(shares, accuracies)
    figure = Figure(figsize=(9, 2.8))
    (axes,) = axes_side_by_side(figure, 1)
    draw(axes, plot.panels[0], plot.x)
    return png(figure)
