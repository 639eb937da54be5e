"""Charts of a run's training, each drawn from plain numbers and returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifar_lab.engine.hooks import Row
from cifar_lab.report.figures.chart import (
    BLUE,
    GREEN,
    GREY,
    TICKS,
    VERMILION,
    axes_side_by_side,
    png,
    tidy,
)
from cifar_lab.report.figures.lettering import lettering

#: Colour of each split in every chart.
SPLIT_COLOURS = {"train": BLUE, "val": VERMILION, "test": GREEN}
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}
SPLIT_MARKERS = {"train": "o", "val": "s", "test": "^"}


@lettering()
def curves(rows: Sequence[Row], ends: Sequence[float], reported_epoch: int) -> bytes:
    """Loss and accuracy over epochs for every split that was evaluated.

    Args:
        rows: of metrics.csv.
        ends: where each row's epoch ended, in epochs of the schedule.
        reported_epoch: the epoch that all results are of, which is marked.
    """
    figure = Figure(figsize=(9, 3.4))
    loss_axes, accuracy_axes = axes_side_by_side(figure, 2)
    for axes in (loss_axes, accuracy_axes):
        label = f"reported: epoch {reported_epoch}"
        axes.axvline(ends[reported_epoch - 1], color=GREY, lw=1.2, ls="--", zorder=0, label=label)
        axes.set_xlim(0, 1.02 * max(1.0, ends[-1]))
    for split, colour in SPLIT_COLOURS.items():
        if f"{split}_loss" not in rows[0]:
            continue
        for axes, quantity, scale in ((loss_axes, "loss", 1), (accuracy_axes, "accuracy", 100)):
            values = [scale * row[f"{split}_{quantity}"] for row in rows]
            marker = SPLIT_MARKERS[split] if len(rows) <= 40 else None
            axes.plot(ends, values, color=colour, marker=marker, ms=4, label=SPLIT_NAMES[split])
    dress(loss_axes, accuracy_axes)
    return png(figure)


def dress(loss_axes: Axes, accuracy_axes: Axes) -> None:
    """Add labels, ticks and legends to the loss and accuracy axes once their lines are drawn."""
    loss_axes.set(xlabel="epoch", ylabel="loss (mean over images, nats)")
    accuracy_axes.set(xlabel="epoch", ylabel="accuracy (%)")
    for axes in (loss_axes, accuracy_axes):
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
        tidy(axes)
    # Fixed positions, as searching for the emptiest corner takes longer than drawing.
    loss_axes.legend(frameon=False, loc="upper right")
    accuracy_axes.legend(frameon=False, loc="lower right")


@lettering()
def learning_rate(
    planned: Sequence[float],
    steps_per_epoch: int,
    used: Sequence[tuple[float, float]],
    relative: bool = False,
) -> bytes:
    """The planned learning rate of every step, and the one used at the end of each epoch.

    Args:
        planned: learning rates of updates 0, 1, ….
        steps_per_epoch: converts updates to epochs.
        used: where an epoch ended, in epochs of the schedule, and its last learning rate; may be
            empty.
        relative: whether learning rates are multiples of a maximum that is not yet known.
    """
    figure = Figure(figsize=(9, 2.6))
    (axes,) = axes_side_by_side(figure, 1, left=0.95)
    # Update k ends at (k + 1) / steps_per_epoch: the last update of epoch 1 lies at epoch 1.
    epochs = (np.arange(len(planned)) + 1) / steps_per_epoch
    axes.plot(epochs, planned, color=BLUE, label="planned (every step)")
    if used:
        ends, rates = zip(*used, strict=True)
        axes.plot(
            ends,
            rates,
            "o",
            color=VERMILION,
            ms=5,
            clip_on=False,  # the last one lies on the edge
            label="used (last step of each epoch)",
        )
    quantity = "learning rate / maximum" if relative else "learning rate"
    axes.set(xlabel="epoch", ylabel=quantity, xlim=(0, epochs[-1]), ylim=(0, None))
    tidy(axes)
    axes.legend(frameon=False, loc="upper right")
    return png(figure)
