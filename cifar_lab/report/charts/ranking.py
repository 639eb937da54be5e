"""Configurations by their accuracy as the data of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from cifar_lab.analysis.intervals import CONFIDENCE
from cifar_lab.analysis.spread import mean_and_deviation
from cifar_lab.report.charts.dots import Dot, Dots, Group
from cifar_lab.report.charts.plot import Axis

#: Decimals of accuracies in percent.
DIGITS = 2
ACCURACY = Axis(label="validation accuracy (%)", low=0, high=100)
LEVEL = f"{100 * CONFIDENCE:.0f} %"


@dataclass(frozen=True)
class Ranked:
    """A configuration.

    Attributes:
        name: its values as a phrase.
        runs: accuracy of each seed, in percent.
        interval: of their mean; None if there is none.
        verdict: how it compares with the best, in words; empty if nothing is ranked.
    """

    name: str
    runs: Sequence[float]
    interval: tuple[float, float] | None
    verdict: str = ""


def ranking(groups: Sequence[tuple[str, Sequence[Ranked]]], axis: Axis = ACCURACY) -> Dots:
    """The mean of each configuration with its interval and its runs.

    Args:
        groups: configurations under a title, which is empty for the only group.
        axis: of the accuracy.
    """
    judged = any(each.verdict for _, group in groups for each in group)
    return Dots(
        axis=axis,
        groups=[Group(title, [_dot(each, judged) for each in group]) for title, group in groups],
        names="configuration",
        heads=("mean ± sd", "against the best")[: 1 + judged],
        legend={
            "dot": "mean over seeds",
            "interval": f"{LEVEL} interval of the mean",
            "run": "a single run",
        },
    )


def _dot(each: Ranked, judged: bool) -> Dot:
    low, high = each.interval or (math.nan, math.nan)
    shown = mean_and_deviation(each.runs, DIGITS)
    return Dot(
        name=each.name,
        value=fmean(each.runs),
        low=low,
        high=high,
        runs=each.runs if len(each.runs) > 1 else (),
        shown=(shown, each.verdict)[: 1 + judged],
        told=_told(each, shown),
    )


def _told(each: Ranked, shown: str) -> str:
    words = [f"{shown} %"]
    if each.interval is not None:
        low, high = each.interval
        words.append(f"{LEVEL} interval of the mean {low:.{DIGITS}f} to {high:.{DIGITS}f} %")
    if len(each.runs) > 1:
        words.append(f"runs {', '.join(f'{run:.{DIGITS}f}' for run in each.runs)}")
    words += [each.verdict] * (each.verdict not in ("", "–"))
    return f"{each.name}: {'; '.join(words)}."
