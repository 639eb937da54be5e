"""The metric of every configuration, and its differences from the baseline, as charts."""

from __future__ import annotations

import math
from statistics import fmean

from cifar_lab.analysis.noise import intervals
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Text
from cifar_lab.report.charts.effects import differences
from cifar_lab.report.charts.plot import Axis
from cifar_lab.report.charts.ranking import Ranked, ranking
from cifar_lab.report.figures.dots import dots
from cifar_lab.results.comparison import Comparison, Row

#: Most configurations that are drawn.
MOST = 40


def ranked(comparison: Comparison) -> Section | None:
    """Mean and interval of each configuration; None without anything to compare."""
    if len(comparison.rows) < 2:
        return None
    metric, told = comparison.metric, _told(comparison)
    axis = Axis(label=metric.heading, low=0, high=100 if metric.unit == "%" else None,
                digits=f",.{metric.digits}f")  # fmt: skip
    shown = ranking([("", _ranked(comparison)[:MOST])], axis, metric.unit)
    figure = picture(
        "ranking",
        lambda: dots(shown),
        f"{metric.heading} of each configuration. {told}",
        f"Mean {metric.label} of each configuration, the baseline first, with Student's 95 % "
        "intervals where there are several seeds.",
    )
    return Section("Ranking", [*attempts.plot(shown, figure), Text(told), *_changes(comparison)])


def _ranked(comparison: Comparison) -> list[Ranked]:
    metric, rows = comparison.metric, comparison.rows
    raw = [row.configuration.numbers[metric.name] for row in rows]
    best = _best(comparison)
    found = []
    for row, runs, ends in zip(rows, raw, intervals(raw, comparison.noise), strict=True):
        scaled = None if ends is None else (metric.scale * ends[0], metric.scale * ends[1])
        values = [metric.scale * run for run in runs]
        found.append(Ranked(row.configuration.name, values, scaled, _verdict(row, row is best)))
    return found


def _best(comparison: Comparison) -> Row:
    metric = comparison.metric
    sign = -1 if metric.lower else 1
    return max(comparison.rows, key=lambda r: sign * fmean(r.configuration.numbers[metric.name]))


def _verdict(row: Row, best: bool) -> str:
    if row.within_noise is None:
        return ""
    return "the best" if best else "within noise" if row.within_noise else "worse"


def _told(comparison: Comparison) -> str:
    """Which is the best, and which others are within noise of it, in sentences."""
    metric, best = comparison.metric, _best(comparison)
    values = best.configuration.numbers[metric.name]
    told = f"The best is {best.configuration.name} with {metric.spread(values)} {metric.unit}"
    told = f"{told.rstrip()}."
    within = [r.configuration.name for r in comparison.rows if r.within_noise and r is not best]
    if not comparison.noise.marked:
        return told
    return f"{told} Within noise of it: {'; '.join(within) or 'no other'}."


def _changes(comparison: Comparison) -> list[Block]:
    """The differences from the baseline with Dunnett's intervals; nothing without any."""
    metric, others = comparison.metric, comparison.rows[1 : 1 + MOST]
    if all(row.effect is None for row in others):
        return []
    effects = [row.effect for row in others]
    changes = [comparison.difference(row.configuration, metric) for row in others]
    scale, nan = metric.scale, math.nan
    shown = differences(
        [row.configuration.name for row in others],
        [nan if each is None else scale * each for each in changes],
        [nan if each is None else scale * each.low for each in effects],
        [nan if each is None else scale * each.high for each in effects],
        "configuration",
        f"difference of the {metric.label} ({metric.unit_of_differences})".replace(" ()", ""),
        metric.digits,
    )
    clear = [dot.name for dot in shown.dots() if not dot.hollow]
    told = f"Clearly different from {comparison.baseline.name}: {'; '.join(clear) or 'none'}."
    figure = picture(
        "differences",
        lambda: dots(shown),
        f"Differences from {comparison.baseline.name}. {told}",
        f"Difference from {comparison.baseline.name}, with Dunnett's intervals, which hold for all "
        "configurations together.",
    )
    return [*attempts.plot(shown, figure), Text(told)]
