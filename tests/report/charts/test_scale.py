"""Axes end at round numbers and hold every value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.report.charts.plot import Axis
from cifar_lab.report.charts.scale import exact_scale, labels, round_ticks, scale_of

PLAIN = Axis(label="value")


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.07, 1.86], [0, 0.5, 1, 1.5, 2]),
        ([42.0, 99.7], [40, 60, 80, 100]),
        ([0.0002, 0.0195], [0, 0.005, 0.01, 0.015, 0.02]),
        ([-3.0, 4.0], [-4, -2, 0, 2, 4]),
        ([5.0], [2, 4, 6, 8]),
    ],
)
def test_ticks_are_round_numbers(values, ticks):
    found = scale_of(PLAIN, values)
    assert list(found.ticks) == pytest.approx(ticks)
    assert 0 <= found.at(min(values)) <= found.at(max(values)) <= 1


def test_an_axis_ends_where_its_quantity_ends():
    accuracy = Axis(label="accuracy (%)", low=0, high=100)
    found = scale_of(accuracy, [97.1, 100.0])
    assert (found.high, found.at(100.0)) == (100, 1)
    assert scale_of(accuracy, [0.0, 0.0]).low == 0
    assert exact_scale(Axis(label="coverage (%)", low=0, high=100)).ticks[-1] == 100


@pytest.mark.parametrize("last", [1, 2, 3, 7, 24, 30, 90, 1000])
def test_epochs_are_whole_and_at_most_six(last):
    ticks = round_ticks(0, last, whole=True)
    assert len(ticks) <= 6
    assert all(tick == int(tick) for tick in ticks)
    assert ticks[0] == 0


def test_a_logarithmic_axis_places_equal_ratios_at_equal_distances():
    found = scale_of(Axis(label="loss", log="always"), [0.003, 2.0], log=True)
    assert found.at(1.0) - found.at(0.1) == pytest.approx(found.at(0.1) - found.at(0.01))
    assert list(found.ticks) == pytest.approx([0.001, 0.01, 0.1, 1, 10])
    assert math.isnan(found.at(0.0))
    near = scale_of(PLAIN, [1.5, 30.0], log=True)
    assert list(near.ticks) == pytest.approx([1, 2, 5, 10, 20, 50])


def test_values_that_are_not_finite_set_no_limits():
    assert scale_of(PLAIN, [math.nan, 1.0, 2.0, math.inf]).high == 2
    assert scale_of(PLAIN, [math.nan]).high > scale_of(PLAIN, [math.nan]).low


def test_every_range_has_ticks_and_holds_its_values():
    draw = np.random.default_rng(0)
    for low, size in zip(draw.normal(size=200) * 100, 10 ** draw.uniform(-6, 6, 200), strict=True):
        found = scale_of(PLAIN, [low, low + size])
        assert 2 <= len(found.ticks) <= 7
        assert found.low <= low + 1e-9 * abs(low) + 1e-12
        assert found.high >= low + size - 1e-9 * abs(low) - 1e-12


def test_labels_have_equally_many_decimals():
    assert labels([0, 0.5, 1]) == ["0.0", "0.5", "1.0"]
    assert labels([-2000, 0, 2000]) == ["−2,000", "0", "2,000"]
