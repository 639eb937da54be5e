"""Configurations by their accuracy as the data of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from cifar_lab.analysis.intervals import CONFIDENCE
from cifar_lab.report.charts.dots import Dot, Dots, Group
from cifar_lab.report.charts.plot import Axis

ACCURACY = Axis(label="validation accuracy (%)", low=0, high=100, digits=".2f")
LEVEL = f"{100 * CONFIDENCE:.0f} %"


@dataclass(frozen=True)
class Ranked:
    """A configuration.

    Attributes:
        name: its values as a phrase.
        runs: value of each seed.
        interval: of their mean; None if there is none.
        verdict: how it compares with the best, in words; empty if nothing is ranked.
    """

    name: str
    runs: Sequence[float]
    interval: tuple[float, float] | None
    verdict: str = ""


def ranking(
    groups: Sequence[tuple[str, Sequence[Ranked]]], axis: Axis = ACCURACY, unit: str = "%"
) -> Dots:
    """The mean of each configuration with its interval and its runs.

    Args:
        groups: configurations under a title, which is empty for the only group.
        axis: of the values, with the format in which they are written.
        unit: of the values.
    """
    all_of_them = [each for _, group in groups for each in group]
    judged = any(each.verdict for each in all_of_them)
    several = any(len(each.runs) > 1 for each in all_of_them)
    return Dots(
        axis=axis,
        groups=[
            Group(title, [_dot(each, judged, axis.digits, unit) for each in group])
            for title, group in groups
        ],
        names="configuration",
        heads=("mean ± sd" if several else "single run", "against the best")[: 1 + judged],
        legend={
            "dot": "mean over seeds",
            "interval": f"{LEVEL} interval of the mean",
            "run": "a single run",
        }
        if several
        else {},
    )


def _dot(each: Ranked, judged: bool, digits: str, unit: str) -> Dot:
    low, high = each.interval or (math.nan, math.nan)
    runs = [f"{run:{digits}}" for run in each.runs]
    spread = f" ± {stdev(each.runs):{digits}}" if len(runs) > 1 else ""
    shown = f"{fmean(each.runs):{digits}}{spread}"
    words = [f"{shown} {unit}".rstrip()]
    if each.interval is not None:
        ends = f"{low:{digits}} to {high:{digits}}"
        words.append(f"{LEVEL} interval of the mean {ends} {unit}".rstrip())
    words += [f"runs {', '.join(runs)}"] * (len(runs) > 1)
    words += [each.verdict] * bool(each.verdict)
    return Dot(
        name=each.name,
        value=fmean(each.runs),
        low=low,
        high=high,
        runs=each.runs if len(runs) > 1 else (),
        shown=(shown, each.verdict)[: 1 + judged],
        told=f"{each.name}: {'; '.join(words)}.",
    )
