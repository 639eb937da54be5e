"""Charts of several runs of one study, each drawn from plain numbers and returned as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cifar_lab.engine.hooks import Row
from cifar_lab.report.figures.chart import BLUE, GREY, axes_side_by_side, png
from cifar_lab.report.figures.lettering import SIZE, labels, lettering, width
from cifar_lab.report.figures.training import SPLIT_COLOURS, SPLIT_NAMES, dress
from cifar_lab.wording import percent

#: Line style of each split, as the colours alone cannot be told apart in print.
STYLES = {"train": "--", "val": ":", "test": "-"}


@lettering()
def study_curves(runs: Sequence[Sequence[Row]], published: float) -> bytes:
    """Loss and accuracy over epochs, one thin line per run, and the published test accuracy.

    Args:
        runs: each run's rows of metrics.csv.
        published: published test accuracy, in 0 … 1.
    """
    figure = Figure(figsize=(9, 3.5))
    loss_axes, accuracy_axes = axes_side_by_side(figure, 2, top=0.4)
    named: set[str] = set()
    for rows in runs:
        for split, colour in SPLIT_COLOURS.items():
            if f"{split}_loss" not in rows[0]:
                continue
            name = SPLIT_NAMES[split] if split not in named else None
            named.add(split)
            for axes, quantity, scale in ((loss_axes, "loss", 1), (accuracy_axes, "accuracy", 100)):
                epochs = [row["epoch"] for row in rows]
                values = [scale * row[f"{split}_{quantity}"] for row in rows]
                axes.plot(epochs, values, STYLES[split], color=colour, linewidth=1, label=name)
    accuracy_axes.axhline(
        100 * published, color=GREY, linewidth=1, label=f"published test, {percent(published)}"
    )
    dress(loss_axes, accuracy_axes)
    return _small(png(figure))


@lettering()
def study_classes(names: Sequence[str], shares: NDArray[np.float64]) -> bytes:
    """Test accuracy of each class: one ring per run and a line at the mean.

    Args:
        names: names of the classes.
        shares: float64 ``(runs, classes)``, in 0 … 1.
    """
    shown = labels(names)
    figure = Figure(figsize=(9, 0.7 + 0.24 * len(names)))
    margin = 0.3 + max(width(label, SIZE) for label in shown)
    (axes,) = axes_side_by_side(figure, 1, left=margin)
    places = np.arange(len(names))
    for run in shares:
        axes.plot(100 * run, places, "o", mfc="none", color=BLUE, ms=5)
    means = 100 * shares.mean(axis=0)
    axes.vlines(means, places - 0.35, places + 0.35, color="black", linewidth=1.5)
    axes.set_yticks(places, shown)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel="test accuracy of the class (%)")
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return _small(png(figure))


def _small(content: bytes) -> bytes:
    """Reduce a PNG file to 64 colours, as these files are committed."""
    with Image.open(io.BytesIO(content)) as image:
        buffer = io.BytesIO()
        image.convert("RGB").quantize(64).save(buffer, "PNG", optimize=True, dpi=image.info["dpi"])
    return buffer.getvalue()
