"""Validation curves of several configurations as the data of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.report.charts.looks import best, look
from cifar_lab.report.charts.plot import GREY, Axis, Panel, Plot, Series, Unit
from cifar_lab.report.charts.training import MARKED

#: Most curves whose values are read above a panel; those of more are in a table.
READ_ABOVE = 2
#: Seeds from which on a standard deviation is drawn; of two, both ends are.
SEEDS = 3
LOSS = Axis(label="validation loss (mean over images, nats)", low=0, log="maybe", digits=".4f")
ACCURACY = Axis(label="validation accuracy (%)", low=0, high=100, digits=".2f")


@dataclass(frozen=True)
class Curve:
    """A quantity over the epochs of one configuration.

    Attributes:
        name: of the configuration.
        epochs: where the values lie, increasing.
        runs: one row of values per seed, each as long as ``epochs``; nan where there is none.
    """

    name: str
    epochs: Sequence[float]
    runs: Sequence[Sequence[float]]


def validation(accuracy: Sequence[Curve], loss: Sequence[Curve]) -> Plot:
    """Validation loss and accuracy over epochs: a line and, of several seeds, a band for each.

    Of more than twelve configurations, those with the best mean accuracy at any epoch have a
    colour of their own, and the others are grey.

    Args:
        accuracy: one curve per configuration, in 0 … 1.
        loss: of the same configurations in the same order, in nats.
    """
    chosen = best([highest(curve) for curve in accuracy])
    epochs = [epoch for curve in accuracy for epoch in curve.epochs]
    first = min(epochs) if len(set(epochs)) > 1 else 0.0
    return Plot(
        x=Axis(label="epoch", low=first, high=max(first + 1.0, *epochs), whole=True),
        panels=[
            Panel(axis, _series(curves, chosen, times))
            for axis, curves, times in ((LOSS, loss, 1.0), (ACCURACY, accuracy, 100.0))
        ],
        units=[Unit("epochs", 1, "epoch")],
        tabled=len(accuracy) > READ_ABOVE,
    )


def spread(curve: Curve) -> tuple[NDArray[np.float64], ...]:
    """Mean over the seeds, and the lower and upper edge of the band: float64 ``(epochs,)`` each.

    The band is ± 1 standard deviation (n - 1 in the denominator) of three seeds or more, and from
    the lowest to the highest of two. Values that are not finite are left out; nan where there is
    no other.
    """
    rows = list(curve.runs) or [[np.nan] * len(curve.epochs)]
    values = np.ma.masked_invalid(np.asarray(rows, np.float64))
    mean = values.mean(axis=0)
    if len(values) >= SEEDS:
        deviation = np.ma.filled(values.std(axis=0, ddof=1), 0.0)
        low, high = mean - deviation, mean + deviation
    else:
        low, high = values.min(axis=0), values.max(axis=0)
    mean, low, high = (np.ma.filled(each.astype(np.float64), np.nan) for each in (mean, low, high))
    return mean, low, high


def highest(curve: Curve) -> float:
    """The highest mean at any epoch; nan without any."""
    mean = spread(curve)[0]
    finite = mean[np.isfinite(mean)]
    return float(finite.max()) if finite.size else np.nan


def told_of(accuracy: Sequence[Curve]) -> str:
    """Which configuration reaches the highest mean accuracy, and when, in a sentence."""
    tops = [highest(curve) for curve in accuracy]
    known = [(top, number) for number, top in enumerate(tops) if np.isfinite(top)]
    if not known:
        return "No configuration has a finite accuracy."
    top, number = max(known, key=lambda each: (each[0], -each[1]))
    curve = accuracy[number]
    epoch = curve.epochs[int(np.nanargmax(spread(curve)[0]))]
    of_seeds = f", the mean of {len(curve.runs)} seeds," * (len(curve.runs) > 1)
    return (
        f"The highest validation accuracy at any epoch{of_seeds} is {100 * top:.2f} %: "
        f"{curve.name} at epoch {epoch:g}."
    )


def bands(curves: Sequence[Curve]) -> str:
    """What the lines and bands are, if there are bands."""
    seeds = {len(curve.runs) for curve in curves}
    kinds = ["± 1 standard deviation"] * any(n >= SEEDS for n in seeds)
    kinds += ["lowest to highest" + " (of two seeds)" * bool(kinds)] * (2 in seeds)
    return f"Lines are means over seeds; bands are {', or '.join(kinds)}." if kinds else ""


def _series(curves: Sequence[Curve], chosen: Sequence[int], times: float) -> list[Series]:
    """The chosen ones last, so that they lie in front of the grey ones."""
    others = [number for number in range(len(curves)) if number not in chosen]
    return [
        *(_grey(curves[number], f"the other {len(others)}", times) for number in others),
        *(_named(curves[number], place, times) for place, number in enumerate(chosen)),
    ]


def _grey(curve: Curve, name: str, times: float) -> Series:
    mean = (times * spread(curve)[0]).tolist()
    return Series(name=name, x=curve.epochs, y=mean, colour=GREY, background=True)


def _named(curve: Curve, place: int, times: float) -> Series:
    mean, low, high = ((times * each).tolist() for each in spread(curve))
    drawn = look(place)
    return Series(
        name=curve.name,
        x=curve.epochs,
        y=mean,
        colour=drawn.colour,
        dash=drawn.dash,
        marker=drawn.marker if len(curve.epochs) <= MARKED else None,
        band=(low, high) if len(curve.runs) > 1 else None,
        whiskers=len(curve.epochs) == 1,
    )
