"""Dots by name as data: what lies in each row, and what the legend explains."""

from __future__ import annotations

from cifar_lab.report.charts.dots import Dot, Dots, Group
from cifar_lab.report.charts.plot import Axis, Marked

NAN = float("nan")


def dots(*rows: Dot, **changes) -> Dots:
    settings = {
        "axis": Axis(label="accuracy (%)", low=0, high=100),
        "groups": [Group("", rows)],
        "names": "configuration",
        "heads": ("mean",),
        "legend": {"dot": "mean", "hollow": "unclear", "interval": "95 %", "run": "a run",
                   "reference": "published"},
    }  # fmt: skip
    return Dots(**settings | changes)


def test_only_what_is_in_the_chart_is_explained():
    chart = dots(Dot(name="a", value=1, told=""), Dot(name="b", value=NAN, runs=[2, 3], told=""))
    assert chart.explained() == [("dot", "mean"), ("run", "a run")]
    half = Dot(name="a", value=1, low=0, hollow=True, reference=4, told="")
    assert dots(half).explained() == [("hollow", "unclear"), ("reference", "published")]


def test_the_axis_has_room_for_everything():
    row = Dot(name="a", value=5, low=4, high=7, runs=[3, 9], reference=11, told="")
    assert sorted(dots(row, marked=[Marked(-1, "zero")]).values()) == [-1, 3, 4, 5, 7, 9, 11]
