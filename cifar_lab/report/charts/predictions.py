"""Confidence and its worth as the data of charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifar_lab.analysis.confidence import Calibration
from cifar_lab.analysis.intervals import Interval
from cifar_lab.analysis.predictions import UNDEFINED, ClassResult
from cifar_lab.analysis.selective import Risks
from cifar_lab.report.charts.dots import Dot, Dots, Group, Second
from cifar_lab.report.charts.plot import (
    BLUE,
    GREEN,
    GREY,
    Axis,
    Counts,
    Panel,
    Plot,
    Series,
)
from cifar_lab.wording import with_interval

#: Points of the curve of risk, and share of the images below which it would only jump: the error
#: rate of very few images is nearly always 0 or 100 %.
POINTS, FIRST = 100, 0.02
CONFIDENCE = "confidence: mean predicted probability (%)"
COVERAGE = "coverage: share of the images kept (%)"
RISK = "selective risk (%)"
SHARE = Axis(label="share (%)", low=0, high=100)


def reliability(calibrations: Sequence[tuple[str, Calibration]]) -> Plot:
    """Accuracy against confidence by bin with its interval, in front of the images of each bin.

    Args:
        calibrations: one per panel, each with what its axis adds to "accuracy (%)".
    """
    return Plot(
        x=Axis(label=CONFIDENCE, low=0, high=100, digits=".1f"),
        panels=[_diagram(of, found) for of, found in calibrations],
        bins=(100 * calibrations[0][1].edges).tolist(),
    )


def _diagram(of: str, found: Calibration) -> Panel:
    perfect = Series(name="perfect calibration", x=(0, 100), y=(0, 100), colour=GREY, dash=(5, 3),
                     dense=True, background=True)  # fmt: skip
    low, high = found.edges[:-1], found.edges[1:]
    x = np.where(found.counts > 0, found.confidence, (low + high) / 2)
    nothing = Interval(np.nan, np.nan, np.nan)
    shares = 100 * np.asarray([each or nothing for each in found.accuracies])
    accuracy = Series(
        name="accuracy with its 95 % interval",
        x=(100 * x).tolist(),
        y=shares[:, 0].tolist(),
        band=(shares[:, 1].tolist(), shares[:, 2].tolist()),
        whiskers=True,
        colour=BLUE,
        marker="o",
        told=[_of_bin(*each) for each in zip(found.accuracies, found.confidence, strict=True)],
    )
    axis = Axis(label=f"accuracy (%){of}", low=0, high=100)
    return Panel(axis, [perfect, accuracy], Counts("images", found.counts.tolist()))


def _of_bin(accuracy: Interval | None, confidence: float) -> str:
    if accuracy is None:
        return "–"
    return f"{with_interval(accuracy)}, mean confidence {100 * confidence:.1f} %"


def risk_by_coverage(found: Risks) -> Plot:
    """Risk against coverage by confidence, by the best possible order and by a random one."""
    shown = chosen_coverages(len(found.kept))
    x = (100 * (shown + 1) / len(found.kept)).tolist()
    curves = [
        Series(name="most confident first", x=x, y=(100 * found.kept[shown]).tolist(), colour=BLUE),
        Series(name="best possible order", x=x, y=(100 * found.best[shown]).tolist(), colour=GREEN,
               dash=(2, 3)),
        Series(name="random order", x=x, y=[100 * found.random] * len(x), colour=GREY, dash=(5, 3)),
    ]  # fmt: skip
    risk = Axis(label=RISK, low=0, high=100, digits=".2f")
    return Plot(x=Axis(label=COVERAGE, low=0, high=100, digits=".1f"), panels=[Panel(risk, curves)])


def chosen_coverages(images: int) -> np.ndarray:
    """Numbers of the points of a curve of this many images: each whole per cent, from ``FIRST``."""
    shares = np.arange(1, POINTS + 1) / POINTS
    numbers = np.ceil(shares[shares >= FIRST] * images - 1e-9).astype(int) - 1
    return np.unique(numbers.clip(0))


def recalls(results: Sequence[ClassResult]) -> Dots:
    """Recall and precision of classes with their intervals, in the order of the results."""
    return Dots(
        axis=SHARE,
        groups=[Group("", [_of_class(each) for each in results])],
        names="class",
        heads=("recall", "precision"),
        legend={
            "dot": "recall with its 95 % interval",
            "second": "precision with its 95 % interval",
        },
    )


def _of_class(result: ClassResult) -> Dot:
    nothing = Interval(np.nan, np.nan, np.nan)
    recall, precision = result.recall, result.precision
    told = [
        f"{name} {UNDEFINED[name] if each is None else with_interval(each)}"
        for name, each in (("recall", recall), ("precision", precision))
    ]
    value, low, high = (100 * each for each in recall or nothing)
    return Dot(
        name=result.name,
        value=value,
        low=low,
        high=high,
        second=Second(*(100 * each for each in precision or nothing)),
        shown=[f"{100 * each.share:.1f}" if each else "–" for each in (recall, precision)],
        told=f"{result.name}: {', '.join(told)}",
    )
