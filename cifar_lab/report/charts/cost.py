"""Accuracy against cost as the data of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cifar_lab.report.charts.looks import Look, look
from cifar_lab.report.charts.plot import BLACK, GREY, Axis, Panel, Plot, Series
from cifar_lab.report.figures.chart import spans

#: Costs that span more than this factor are drawn on a logarithmic axis.
LOG_BEYOND = 10
#: Most configurations that the legend names; the cursor names all of them.
NAMED = 6
ACCURACY = Axis(label="validation accuracy (%)", low=0, high=100, digits=".2f")


def accuracy_and_cost(
    names: Sequence[str],
    accuracy: Sequence[float],
    deviations: Sequence[float] | None,
    cost: Sequence[float],
    cost_label: str,
    pareto: Sequence[bool],
) -> Plot:
    """A point for each configuration, and a step line through the Pareto set.

    Beyond six configurations, those of the Pareto set have a colour and a name in the legend, at
    most the six with the highest accuracy; the cursor names all of them.

    Args:
        names: of the configurations.
        accuracy: validation accuracy, in %.
        deviations: standard deviations over seeds, in points, nan for a single seed; or None.
        cost: one value per configuration, 0 or more.
        cost_label: what the cost is, with its unit.
        pareto: whether no other configuration is as good in both and better in one.
    """
    there = [n for n, pair in enumerate(zip(cost, accuracy, strict=True)) if _known(*pair)]
    front = sorted((n for n in there if pareto[n]), key=lambda n: cost[n])
    highest = sorted(front, key=lambda n: -accuracy[n])[:NAMED]
    chosen = there if len(there) <= NAMED else sorted(highest)
    sds = deviations or [math.nan] * len(names)
    points = [_point(names[n], look(place), (cost[n], accuracy[n], sds[n]))
              for place, n in enumerate(chosen)]  # fmt: skip
    others = sorted((n for n in there if n not in chosen), key=lambda n: cost[n])
    if others:
        points.insert(0, Series(
            name=f"the other {len(others)}", x=[cost[n] for n in others],
            y=[accuracy[n] for n in others], colour=GREY, line=False, marker="o",
            told=[f"{names[n]} {accuracy[n]:.2f}" for n in others],
        ))  # fmt: skip
    return Plot(x=_axis(cost_label, [cost[n] for n in there]),
                panels=[Panel(ACCURACY, [*_steps(front, cost, accuracy), *points])])  # fmt: skip


def told_of_front(
    names: Sequence[str],
    accuracy: Sequence[float],
    _deviations: Sequence[float] | None,
    cost: Sequence[float],
    cost_label: str,
    pareto: Sequence[bool],
) -> str:
    """The Pareto set from cheap to costly, in a sentence; arguments as of the chart."""
    front = sorted((n for n in range(len(names)) if pareto[n]), key=lambda n: cost[n])
    shown = [f"{names[n]} ({accuracy[n]:.2f} % at {cost[n]:,.4g})" for n in front[:NAMED]]
    more = f", and {len(front) - NAMED} more" * (len(front) > NAMED)
    return f"Pareto set, by {cost_label}: {'; '.join(shown)}{more}."


def _known(cost: float, accuracy: float) -> bool:
    return math.isfinite(cost) and math.isfinite(accuracy)


def _point(name: str, drawn: Look, place: tuple[float, float, float]) -> Series:
    """A configuration at its cost and accuracy, with its standard deviation."""
    x, y, sd = place
    known = math.isfinite(sd)
    text = f"{y:.2f}" + f" ± {sd:.2f}" * known
    return Series(name=name, x=[x], y=[y], colour=drawn.colour, line=False, marker=drawn.marker,
                  band=([y - sd], [y + sd]) if known else None, whiskers=True,
                  told=[text])  # fmt: skip


def _axis(label: str, costs: Sequence[float]) -> Axis:
    """With room at both ends, so that no point lies on an edge."""
    low, high = min(costs), max(costs)
    if spans(costs, LOG_BEYOND):
        return Axis(label=label, low=low / 1.3, high=high * 1.3, log="always")
    room = 0.06 * (high - low) or abs(high) / 10 or 1.0
    return Axis(label=label, low=max(0.0, low - room), high=high + room)


def _steps(front: Sequence[int], cost: Sequence[float], accuracy: Sequence[float]) -> list[Series]:
    """The best accuracy that can be had for a cost."""
    x: list[float] = []
    y: list[float] = []
    for n in front:
        x += [cost[n], cost[n]] if y else [cost[n]]
        y += [y[-1], accuracy[n]] if y else [accuracy[n]]
    return [Series(name="Pareto set", x=x, y=y, colour=BLACK, dash=(5, 3), dense=True)]
