"""Runs of a published study as the data of charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.engine.hooks import Row
from cifar_lab.report.charts.curves import Curve, spread
from cifar_lab.report.charts.dots import Dot, Dots, Group
from cifar_lab.report.charts.plot import GREY, Axis, Panel, Plot, Series, Unit
from cifar_lab.report.charts.ranking import LEVEL
from cifar_lab.report.charts.training import ACCURACY, LOSS, SPLITS
from cifar_lab.wording import percent


def curves(runs: Sequence[Sequence[Row]], published: float) -> Plot:
    """Loss and accuracy over epochs: the mean of the runs and a band for each split.

    Args:
        runs: each run's rows of metrics.csv.
        published: published test accuracy, in 0 … 1.
    """
    epochs = sorted({float(row["epoch"]) for rows in runs for row in rows})
    splits = [split for split in SPLITS if all(f"{split}_loss" in rows[0] for rows in runs)]
    loss = [_of_split(runs, epochs, split, "loss", 1) for split in splits]
    accuracy = [_of_split(runs, epochs, split, "accuracy", 100) for split in splits]
    line = Series(name=f"published test, {percent(published)}", x=(epochs[0], epochs[-1]),
                  y=(100 * published,) * 2, colour=GREY, dash=(5, 3), dense=True)  # fmt: skip
    return Plot(
        x=Axis(label="epoch", low=epochs[0], high=max(epochs[0] + 1, epochs[-1]), whole=True),
        panels=[Panel(LOSS, loss), Panel(ACCURACY, [*accuracy, line])],
        units=[Unit("epochs", 1, "epoch")],
    )


def classes(names: Sequence[str], shares: NDArray[np.float64]) -> Dots:
    """Test accuracy of each class: its mean and each run.

    Args:
        names: of the classes.
        shares: float64 ``(runs, classes)``, in 0 … 1.
    """
    dots = []
    for name, values in zip(names, (100 * shares.T).tolist(), strict=True):
        shown = mean_and_deviation(values, 1)
        runs = f"; runs {', '.join(f'{value:.1f}' for value in values)}" * (len(values) > 1)
        dots.append(Dot(name=name, value=fmean(values), runs=values if len(values) > 1 else (),
                        shown=(shown,), told=f"{name}: {shown} %{runs}."))  # fmt: skip
    return Dots(
        axis=Axis(label="test accuracy of the class (%)", low=0, high=100),
        groups=[Group("", dots)],
        names="class",
        heads=("mean ± sd" if len(shares) > 1 else "accuracy",),
        legend={"dot": "mean over runs", "run": "a run"} if len(shares) > 1 else {},
    )


def against_published(
    studies: Sequence[tuple[str, float, Sequence[float], tuple[float, float]]],
) -> Dots:
    """The test accuracy of each recipe beside the published one.

    Args:
        studies: name, published test accuracy, that of each complete run, and the interval of their
            mean; all in 0 … 1. Without runs, the interval is nan.
    """
    return Dots(
        axis=Axis(label="test accuracy (%)", low=0, high=100),
        groups=[Group("", [_recipe(*each) for each in studies])],
        names="study",
        heads=("published", "ours"),
        legend={
            "reference": "published",
            "dot": "our mean",
            "interval": f"{LEVEL} interval",
            "run": "a run",
        },
    )


def _recipe(
    name: str, published: float, runs: Sequence[float], interval: tuple[float, float]
) -> Dot:
    values, known = [100 * run for run in runs], len(runs) > 0
    shown = mean_and_deviation(values, 2) if known else "–"
    told = f"{name}: published {percent(published)}; "
    told += f"ours {shown} % (n={len(runs)})" if known else "no complete run"
    if known:
        told += f"; {LEVEL} interval {100 * interval[0]:.2f} to {100 * interval[1]:.2f} %"
    return Dot(
        name=name,
        value=fmean(values) if known else math.nan,
        low=100 * interval[0],
        high=100 * interval[1],
        runs=values if len(values) > 1 else (),
        reference=100 * published,
        shown=(f"{100 * published:.2f}", shown),
        told=f"{told}.",
    )


def _of_split(
    runs: Sequence[Sequence[Row]], epochs: Sequence[float], split: str, quantity: str, times: float
) -> Series:
    """The mean over runs; the band is that of validation curves."""
    by_epoch = [{row["epoch"]: row[f"{split}_{quantity}"] for row in rows} for rows in runs]
    values = [[run.get(epoch, math.nan) for epoch in epochs] for run in by_epoch]
    name, colour, _, dash = SPLITS[split]
    mean, low, high = ((times * each).tolist() for each in spread(Curve(name, epochs, values)))
    return Series(name=name, x=epochs, y=mean, colour=colour, dash=dash,
                  band=(low, high) if len(runs) > 1 else None)  # fmt: skip
