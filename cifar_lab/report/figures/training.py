"""Charts of a run's training, each drawn from plain numbers and returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifar_lab.engine.hooks import Row
from cifar_lab.report.charts.training import columns as measured
from cifar_lab.report.charts.training import history
from cifar_lab.report.figures.chart import (
    BLUE,
    GREEN,
    TICKS,
    VERMILION,
    axes_side_by_side,
    png,
    tidy,
)
from cifar_lab.report.figures.lettering import SIZE, labels, lettering
from cifar_lab.report.figures.plots import draw, legend

#: Colour of each split in every chart.
SPLIT_COLOURS = {"train": BLUE, "val": VERMILION, "test": GREEN}
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}
#: Panels beside each other where each column has one, and the room for its name, in inches.
PANELS_ACROSS, LABEL_INCHES = 2, 2.0
SPLIT_MARKERS = {"train": "o", "val": "s", "test": "^"}


@lettering()
def curves(rows: Sequence[Row], ends: Sequence[float], reported_epoch: int) -> bytes:
    """Loss and accuracy over epochs for every split that was evaluated.

    Args:
        rows: of metrics.csv.
        ends: where each row's epoch ended, in epochs of the schedule.
        reported_epoch: the epoch that all results are of, which is marked.
    """
    plot = history(rows, ends, reported_epoch)
    figure = Figure(figsize=(9, 3.6))
    both = axes_side_by_side(figure, 2, top=0.35)
    for axes, panel in zip(both, plot.panels, strict=False):
        draw(axes, panel, plot.x, plot.marked)
    legend(both[0])
    return png(figure)


def dress(loss_axes: Axes, accuracy_axes: Axes) -> None:
    """Add labels, ticks and legends to the loss and accuracy axes once their lines are drawn."""
    loss_axes.set(xlabel="epoch", ylabel="loss (mean over images, nats)")
    accuracy_axes.set(xlabel="epoch", ylabel="accuracy (%)")
    for axes in (loss_axes, accuracy_axes):
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
        tidy(axes)
    legend(loss_axes)
    legend(accuracy_axes)


@lettering()
def columns(
    rows: Sequence[Row], names: Sequence[str], ends: Sequence[float], reported_epoch: int
) -> bytes:
    """Columns of hooks over epochs, each in a panel of its own.

    Args:
        rows: of metrics.csv; a column may be missing in some.
        names: of the columns.
        ends, reported_epoch: as for :func:`curves`.
    """
    across = min(len(names), PANELS_ACROSS)
    down = -(-len(names) // across)
    wide, high = 4.5 * across, 2.6 * down
    figure = Figure(figsize=(wide, high))
    margins = {"left": 0.9 / wide, "right": 1 - 0.2 / wide, "wspace": 0.3, "hspace": 0.3}
    margins |= {"bottom": 0.5 / high, "top": 1 - 0.1 / high}
    panels = list(figure.subplots(down, across, squeeze=False, gridspec_kw=margins).flat)
    for axes in panels[len(names) :]:
        axes.remove()
    plot = measured(rows, names, ends, reported_epoch)
    shown = labels(names, LABEL_INCHES, SIZE, "column")
    for axes, panel, label in zip(panels, plot.panels, shown, strict=False):
        draw(axes, panel, plot.x, plot.marked)
        axes.set_ylabel(label)
    return png(figure)


@lettering()
def learning_rate(
    planned: Sequence[float],
    steps_per_epoch: int,
    used: Sequence[tuple[float, float]],
    relative: bool = False,
    first_step: int = 0,
) -> bytes:
    """The planned learning rate of every step, and the one used at the end of each epoch.

    Args:
        planned: learning rates of updates ``first_step``, ``first_step + 1``, ….
        steps_per_epoch: converts updates to epochs.
        used: where an epoch ended, in epochs of the schedule, and its last learning rate; may be
            empty.
        relative: whether learning rates are multiples of a maximum that is not yet known.
        first_step: number of the first update; not 0 if the run extends another one.
    """
    figure = Figure(figsize=(9, 2.9))
    (axes,) = axes_side_by_side(figure, 1, left=0.95, top=0.35)
    # Update k ends at (k + 1) / steps_per_epoch: the last update of epoch 1 lies at epoch 1.
    epochs = (first_step + np.arange(len(planned)) + 1) / steps_per_epoch
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
    axes.set(
        xlabel="epoch",
        ylabel=quantity,
        xlim=(first_step / steps_per_epoch, epochs[-1]),
        ylim=(0, None),
    )
    tidy(axes)
    legend(axes)
    return png(figure)
