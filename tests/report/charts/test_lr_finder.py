"""Range tests as data."""

from __future__ import annotations

import math

import pytest

from cifar_lab.report.charts.lr_finder import ENDS_AT, range_tests
from tests.report.figures.test_lr_finder import found


@pytest.mark.parametrize(("spacing", "log"), [("exponential", "always"), ("linear", "never")])
def test_every_seed_has_its_curve_on_the_axis_of_the_test(spacing, log):
    record = found(spacing)
    plot = range_tests(record)
    assert plot.x.log == log
    curves = plot.panels[0].series
    assert [list(each.y) for each in curves] == [list(each.smoothed) for each in record.seeds]
    assert len({(each.colour, each.dash) for each in curves}) == len(curves)


def test_every_rule_has_its_median_and_the_chosen_one_is_said():
    record = found()
    marked = range_tests(record).marked
    assert {each.x for each in marked} == {each.median for each in record.suggestions.values()}
    assert [each.name.partition(":")[0] for each in marked if "(chosen)" in each.name] == ["valley"]


def test_divergence_is_left_out():
    record = found(falls=-2.0)
    top = ENDS_AT * max(each.smoothed[0] for each in record.seeds)
    for curve, seed in zip(range_tests(record).panels[0].series, record.seeds, strict=True):
        assert [math.isnan(y) for y in curve.y] == [loss > top for loss in seed.smoothed]
        assert any(map(math.isnan, curve.y))
