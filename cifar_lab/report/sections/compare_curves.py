"""Validation curves and costs of several configurations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Text
from cifar_lab.report.charts import cost as charts_cost
from cifar_lab.report.charts.cost import told_of_front
from cifar_lab.report.charts.curves import Curve, bands, told_of, validation
from cifar_lab.report.figures.comparison import accuracy_and_cost
from cifar_lab.report.figures.sweep import validation_curves
from cifar_lab.results.comparison import Comparison, Configuration
from cifar_lab.results.measures import COSTS, METRICS, Measure
from cifar_lab.run.record import Run
from cifar_lab.wording import several

#: Columns of metrics.csv.
ACCURACY, LOSS = "val_accuracy", "val_loss"
#: Costs whose ratio is at most this are alike: times vary as much between runs.
ALIKE = 1.1
#: Names listed in the text for readers who cannot see a figure.
NAMED = 12


def curves(comparison: Comparison) -> Section:
    """Loss and accuracy on the validation images after each epoch, on one axis."""
    shown = [each for each in comparison.configurations if _is_validated(each)]
    names = [each.name for each in comparison.configurations if each not in shown]
    blocks: list[Block] = []
    if shown:
        accuracy = [_curve(each, ACCURACY) for each in shown]
        loss = [_curve(each, LOSS) for each in shown]
        figure = picture(
            "curves",
            lambda: validation_curves(accuracy, loss),
            alt=f"Validation loss and accuracy over epochs. {told_of(accuracy)}",
            caption="Loss and accuracy on the validation images after each epoch. "
            f"{bands([*accuracy, *loss])}",
        )
        blocks += [*attempts.plot(validation(accuracy, loss), figure), Text(told_of(accuracy))]
    if names:
        told = several(names) if len(names) <= NAMED else f"{len(names):,} configurations"
        blocks.append(Text(f"Without validation curves, as nothing was validated: {told}."))
    return Section("Curves", blocks)


def _is_validated(configuration: Configuration) -> bool:
    rows = [row for each in configuration.runs for row in each.run.metrics]
    return all(row.get(ACCURACY) is not None and row.get(LOSS) is not None for row in rows)


def _curve(configuration: Configuration, column: str) -> Curve:
    """The values of all runs at every epoch that one of them has."""
    runs = [_by_epoch(each.run, column) for each in configuration.runs]
    epochs = sorted({epoch for run in runs for epoch in run})
    values = [[run.get(epoch, math.nan) for epoch in epochs] for run in runs]
    return Curve(configuration.name, epochs, values)


def _by_epoch(run: Run, column: str) -> dict[int, float]:
    return {int(row["epoch"]): float(row[column]) for row in run.metrics}


def cost(comparison: Comparison) -> Section | None:
    """Validation accuracy against what differs in cost; None if it cannot be told."""
    accuracy, ranked = METRICS[ACCURACY], [row.configuration for row in comparison.rows]
    measure = _cost(ranked)
    if measure is None or accuracy not in comparison.measures:
        return None
    values = [[100 * value for value in each.numbers[accuracy.name]] for each in ranked]
    means, costs = (
        [fmean(each) for each in values],
        [measure.scale * (each.mean(measure) or 0.0) for each in ranked],
    )
    several_seeds = any(len(each) > 1 for each in values)
    deviations = [stdev(each) if len(each) > 1 else math.nan for each in values]
    told = (
        [each.name for each in ranked],
        means,
        deviations if several_seeds else None,
        costs,
        measure.heading,
        pareto(means, costs),
    )
    figure = picture(
        "cost",
        lambda: accuracy_and_cost(*told),
        alt=f"Validation accuracy against {measure.label}. {told_of_front(*told)}",
        caption="A dashed line joins the configurations that no other one beats in both.",
    )
    shown = attempts.plot(charts_cost.accuracy_and_cost(*told), figure)
    return Section("Accuracy and cost", [*shown, Text(told_of_front(*told))])


def _cost(configurations: Sequence[Configuration]) -> Measure | None:
    """Operations, if models differ; else the time, if all ran on one kind of machine."""
    machines = {each.run.provenance.hardware for c in configurations for each in c.runs}
    names = ["multiply_adds", *(["training_seconds"] if len(machines) == 1 else [])]
    for name in names:
        costs = [each.mean(COSTS[name]) or 0.0 for each in configurations]
        if max(costs) > ALIKE * min(costs):
            return COSTS[name]
    return None


def pareto(values: Sequence[float], costs: Sequence[float]) -> list[bool]:
    """Whether no other is at least as good in both and better in one."""
    pairs = list(zip(values, costs, strict=True))
    return [
        not any(v >= value and c <= cost and (v, c) != (value, cost) for v, c in pairs)
        for value, cost in pairs
    ]
