"""The course of a training run as the data of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from cifar_lab.engine.hooks import Row
from cifar_lab.report.charts.plot import (
    BLACK,
    BLUE,
    GREEN,
    PINK,
    VERMILION,
    Axis,
    Marked,
    Panel,
    Plot,
    Series,
    Unit,
)

Marker = Literal["o", "s", "^"]
#: Name, colour, marker and dashes of each split in every chart.
SPLITS: dict[str, tuple[str, int, Marker, tuple[int, ...]]] = {
    "train": ("train", BLUE, "o", ()),
    "val": ("validation", VERMILION, "s", ()),
    "test": ("test", GREEN, "^", ()),
}
#: Epochs up to which each value has a marker.
MARKED = 40
LOSS = Axis(label="loss (mean over images, nats)", log="maybe", digits=".4f")
ACCURACY = Axis(label="accuracy (%)", low=0, high=100, digits=".2f")
SPEED = Axis(label="training images per second", low=0, digits=".0f")


def history(
    rows: Sequence[Row],
    ends: Sequence[float],
    reported_epoch: int,
    steps_per_epoch: int | None = None,
    further: Sequence[Panel] = (),
) -> Plot:
    """Loss and accuracy of every split that was evaluated, and further panels below them.

    Args:
        rows: of metrics.csv.
        ends: where each row's epoch ended, in epochs of the schedule.
        reported_epoch: the epoch that all results are of, which is marked.
        steps_per_epoch: updates in an epoch; None shows epochs alone.
        further: panels over epochs.
    """
    splits = [split for split in SPLITS if f"{split}_loss" in rows[0]]
    loss = [_of_split(rows, ends, split, "loss", 1) for split in splits]
    accuracy = [_of_split(rows, ends, split, "accuracy", 100) for split in splits]
    units = [Unit("epochs", 1, "epoch")]
    if steps_per_epoch is not None:
        units.append(Unit("steps", steps_per_epoch, "step"))
    return Plot(
        x=_epochs(rows, ends),
        panels=[Panel(LOSS, loss), Panel(ACCURACY, accuracy), *further],
        units=units,
        marked=_reported(rows, ends, reported_epoch),
    )


def rates(
    rows: Sequence[Row],
    ends: Sequence[float],
    planned: Sequence[float],
    steps_per_epoch: int,
    first_step: int = 0,
) -> list[Panel]:
    """The learning rate as planned and as used, and the speed.

    Args:
        rows, ends: as for :func:`history`.
        planned: learning rates of updates ``first_step``, ``first_step + 1``, ….
        steps_per_epoch: converts updates to epochs.
        first_step: number of the first update; not 0 if the run extends another one.
    """
    # Update k ends at (k + 1) / steps_per_epoch: the last update of epoch 1 lies at epoch 1.
    epochs = (first_step + np.arange(len(planned)) + 1) / steps_per_epoch
    shown = epochs <= ends[-1] + 1e-9
    plan = Series(name="planned", x=epochs[shown].tolist(), y=np.asarray(planned)[shown].tolist(),
                  colour=BLACK, dense=True)  # fmt: skip
    used = Series(name="used", x=ends, y=[row["lr"] for row in rows], colour=PINK,
                  line=False, marker="o")  # fmt: skip
    axis = Axis(label="learning rate", low=0, digits=_decimals(max(planned)))
    panels = [Panel(axis, [plan, used])]
    if any(math.isfinite(row.get("images_per_second", math.nan)) for row in rows):
        speed = [row.get("images_per_second", math.nan) for row in rows]
        panels.append(Panel(SPEED, [one(SPEED.label, ends, speed)]))
    return panels


def columns(
    rows: Sequence[Row], names: Sequence[str], ends: Sequence[float], reported_epoch: int
) -> Plot:
    """Columns of hooks over epochs, each in a panel of its own; arguments as for ``history``."""
    series = [one(name, ends, [row.get(name, math.nan) for row in rows]) for name in names]
    return Plot(
        x=_epochs(rows, ends),
        panels=[Panel(Axis(label=each.name), [each]) for each in series],
        units=[Unit("epochs", 1, "epoch")],
        marked=_reported(rows, ends, reported_epoch),
    )


def one(name: str, x: Sequence[float], y: Sequence[float]) -> Series:
    """The only series of a panel."""
    return Series(name=name, x=x, y=y, colour=BLUE, marker="o" if len(x) <= MARKED else None)


def _of_split(
    rows: Sequence[Row], ends: Sequence[float], split: str, quantity: str, times: float
) -> Series:
    name, colour, marker, dash = SPLITS[split]
    values = [times * row[f"{split}_{quantity}"] for row in rows]
    return Series(name=name, x=ends, y=values, colour=colour, dash=dash,
                  marker=marker if len(rows) <= MARKED else None)  # fmt: skip


def _decimals(largest: float) -> str:
    """The format with as many decimals as the largest value needs for four digits."""
    return f".{max(0, 3 - math.floor(math.log10(largest)))}f" if largest > 0 else ".4f"


def _epochs(rows: Sequence[Row], ends: Sequence[float]) -> Axis:
    """From where the run began: of a run that extends another one, that is not 0."""
    first = rows[0]["epoch"] - 1
    return Axis(label="epoch", low=first, high=first + max(1.0, ends[-1] - first), whole=True)


def _reported(rows: Sequence[Row], ends: Sequence[float], epoch: int) -> list[Marked]:
    (place,) = [number for number, row in enumerate(rows) if row["epoch"] == epoch]
    return [Marked(ends[place], f"reported: epoch {epoch}")]
