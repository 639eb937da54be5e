"""Tests the harness with callables that return known times; no test reads a clock."""

from __future__ import annotations

import math
import random

import pytest

from benchmarks.measure import (
    Different,
    Settings,
    arithmetic_mean,
    assert_close,
    assert_same,
    compare,
    geometric_mean,
    repeat,
    timed,
)


def test_the_ratio_is_how_many_times_faster_ours_is():
    result = compare(lambda: 2.0, lambda: 5.0, pairs=4)
    assert result.value == pytest.approx(2.5)
    assert (result.low, result.high) == (pytest.approx(2.5), pytest.approx(2.5))
    assert (result.ours, result.theirs, result.pairs) == ([2.0] * 4, [5.0] * 4, 4)


def test_sides_are_warmed_up_and_then_take_turns_in_alternating_order():
    calls = []

    def side(name):
        return lambda: calls.append(name) or 1.0

    compare(side("o"), side("t"), pairs=3)
    assert "".join(calls) == "ot" + "ot" + "to" + "ot"


def test_a_warm_up_does_not_count():
    slow_first = iter([100.0, 1.0, 1.0])
    assert compare(lambda: next(slow_first), lambda: 1.0, pairs=2).value == pytest.approx(1.0)
    slow_first = iter([100.0, 1.0, 2.0])
    assert repeat(lambda: next(slow_first), 2) == [1.0, 2.0]


def test_rates_are_compared_where_the_work_differs():
    result = compare(lambda: 2.0, lambda: 1.0, pairs=2, work=(6.0, 2.0))
    assert result.value == pytest.approx(1.5)  # three a second against two


def test_intervals_cover_the_truth_as_often_as_they_say():
    draw, covered = random.Random(0), 0
    for _ in range(400):
        ratios = [3.0 * math.exp(draw.gauss(0, 0.1)) for _ in range(5)]
        _, low, high = geometric_mean(ratios)
        covered += low <= 3.0 <= high
    # 95 % of 400 is 380, with a standard deviation of 4.4.
    assert 358 <= covered <= 398


def test_one_measurement_has_no_interval():
    assert compare(lambda: 1.0, lambda: 2.0, pairs=1).low is None
    assert geometric_mean([4.0]) == (pytest.approx(4.0), None, None)
    assert arithmetic_mean([4.0]) == (4.0, None, None)


def test_means_and_interval_against_known_values():
    assert geometric_mean([1.0, 4.0])[0] == pytest.approx(2.0)
    mean, low, high = arithmetic_mean([1.0, 2.0, 3.0])
    # Student's t with 2 degrees of freedom: 4.3027 standard errors of 1 / √3.
    assert (mean, high - mean, mean - low) == pytest.approx((2.0, 2.4841, 2.4841), abs=1e-4)


def test_timing_reads_the_clock_before_and_after_the_work():
    now, done = iter([10.0, 12.5]), []
    assert timed(lambda: done.append(1), clock=lambda: next(now))() == 2.5
    assert done == [1]


def test_agreement_is_relative_to_the_largest_value():
    assert assert_close("losses", [1.0, 2.002], [1.0, 2.0], 1e-2) == pytest.approx(1e-3)
    with pytest.raises(Different, match=r"losses: differs by 0\.01, at most 0\.001 is allowed"):
        assert_close("losses", [1.0, 2.02], [1.0, 2.0], 1e-3)
    with pytest.raises(Different, match=r"maps: ours has shape \(2,\), theirs \(1,\)"):
        assert_close("maps", [1.0, 2.0], [1.0], 1e-3)
    with pytest.raises(Different, match="differs by nan"):
        assert_close("losses", [float("nan")], [1.0], 1e-3)


def test_plain_values_must_be_equal():
    assert_same("labels", [1, 2], [1, 2])
    with pytest.raises(Different, match=r"labels: ours is 1, theirs 2"):
        assert_same("labels", 1, 2)


def test_a_full_run_needs_real_images():
    assert Settings(quick=True).images() == ["dataset=digits"]
    assert Settings(root="/data").images() == ["dataset.root=/data"]
    with pytest.raises(ValueError, match="add --root DIR, or --quick for digits"):
        Settings().images()
