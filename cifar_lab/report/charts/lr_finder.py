"""Learning rate range tests as the data of a chart."""

from __future__ import annotations

import math
from typing import Literal

from cifar_lab.report.charts.looks import look
from cifar_lab.report.charts.plot import Axis, Marked, Panel, Plot, Series
from cifar_lab.run.lr_finder import RULE_NAMES, LrFinder, rate

#: Top of the chart as a multiple of the initial loss: divergence beyond it adds nothing.
ENDS_AT = 1.3
#: Seeds whose looks differ; those of more repeat.
LOOKS = 12


def range_tests(found: LrFinder) -> Plot:
    """Every seed's smoothed loss against the learning rate, with what each rule suggests.

    Losses are left out where they exceed 1.3 times the largest initial one.
    """
    tests = [each for each in found.seeds if each.smoothed]
    top = ENDS_AT * max((each.smoothed[0] for each in tests), default=math.inf)
    rates = [rate for each in tests for rate in each.learning_rates]
    log: Literal["never", "always"] = "never" if found.settings.spacing == "linear" else "always"
    x = Axis(label="learning rate", low=min(rates), high=max(rates), log=log, digits=".3g")
    curves = [
        Series(name=f"seed {each.seed}", x=each.learning_rates,
               y=[loss if loss <= top else math.nan for loss in each.smoothed],
               colour=look(place % LOOKS).colour, dash=look(place % LOOKS).dash)
        for place, each in enumerate(tests)
    ]  # fmt: skip
    axis = Axis(label="smoothed loss (nats)", low=0, digits=".4f")
    marked = [
        Marked(each.median, f"{RULE_NAMES[rule]}: {rate(each.median)}{_chosen(found, rule)}")
        for rule, each in found.suggestions.items()
        if each is not None and x.low is not None and x.high is not None
        and x.low <= each.median <= x.high
    ]  # fmt: skip
    return Plot(x=x, panels=[Panel(axis, curves)], marked=marked)


def _chosen(found: LrFinder, rule: str) -> str:
    return " (chosen)" if rule == found.settings.suggestion else ""
