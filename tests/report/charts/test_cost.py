"""Accuracy against cost as data."""

from __future__ import annotations

import math

import pytest

from cifar_lab.report.charts.cost import NAMED, accuracy_and_cost, told_of_front

FOUR = (
    ["a", "b", "c", "d"], [90.0, 92.0, 91.0, math.nan], [0.5, math.nan, 0.1, 0.1],
    [10.0, 20.0, 30.0, 5.0], "multiply-adds (millions)", [True, True, False, False],
)  # fmt: skip


def test_the_front_is_a_step_from_cheap_to_costly():
    (panel,) = accuracy_and_cost(*FOUR).panels
    front = panel.series[0]
    assert list(zip(front.x, front.y, strict=True)) == [(10, 90), (20, 90), (20, 92)]


def test_each_configuration_is_a_point_with_its_deviation():
    (panel,) = accuracy_and_cost(*FOUR).panels
    a, b, c = panel.series[1:]
    assert (a.name, a.x, a.y, a.band, a.told) == (
        "a",
        [10],
        [90],
        ([89.5], [90.5]),
        ["90.00 ± 0.50"],
    )
    assert (b.band, b.told) == (None, ["92.00"])
    assert all(each.whiskers for each in (a, b, c))


def test_of_many_only_the_front_is_named_and_the_cursor_names_the_others():
    names = [f"c{n}" for n in range(NAMED + 3)]
    count = len(names)
    accuracy = [90.0 + n for n in range(count)]
    plot = accuracy_and_cost(
        names, accuracy, None, [count - n + 1.0 for n in range(count)], "cost",
        [n > count - 3 for n in range(count)],
    )  # fmt: skip
    others = plot.panels[0].series[1]
    assert others.name == f"the other {count - 2}"
    assert others.told[0] == f"c{count - 3} {accuracy[count - 3]:.2f}"
    assert list(others.x) == sorted(others.x)


@pytest.mark.parametrize(("costs", "log"), [([1.0, 2.0], "never"), ([1.0, 20.0], "always")])
def test_costs_that_span_more_than_ten_times_are_logarithmic(costs, log):
    plot = accuracy_and_cost(["a", "b"], [90.0, 91.0], None, costs, "cost", [True, True])
    assert plot.x.log == log
    assert plot.x.low < costs[0]
    assert plot.x.high > costs[1]


def test_the_front_is_told():
    assert told_of_front(*FOUR) == (
        "Pareto set, by multiply-adds (millions): a (90.00 % at 10); b (92.00 % at 20)."
    )
