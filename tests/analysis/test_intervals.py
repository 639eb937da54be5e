"""Intervals against published tables and the equation that defines them."""

from __future__ import annotations

import math

import pytest

from cifar_lab.analysis.intervals import share_of, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_newcombes_table(hits, count, low, high):
    found = wilson(hits, count)
    assert found.share == hits / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_bounds_solve_the_score_equation():
    # Wilson's bounds are where |share - p| is z standard errors of p itself.
    found = wilson(37, 50)
    for bound in (found.low, found.high):
        error = math.sqrt(bound * (1 - bound) / 50)
        assert abs(0.74 - bound) / error == pytest.approx(1.959964, abs=1e-6)


def test_without_cases_there_is_no_share():
    assert share_of(0, 0) is None
    assert share_of(3, 4) == wilson(3, 4)


def test_bounds_stay_within_0_and_1():
    assert wilson(0, 5).low == 0.0
    assert wilson(5, 5).high == 1.0
