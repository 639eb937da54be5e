"""What runs can show, against noncentral t, simulation, and exact expected maxima."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from cifar_lab.analysis.power import expected_maximum, optimism, smallest_difference


@pytest.mark.parametrize(("runs", "expected"), [(3, 0.58), (5, 0.38), (10, 0.25)])
def test_differences_at_a_deviation_of_019_points(runs, expected):
    assert smallest_difference(0.19, runs) == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("runs", [2, 3, 10, 1000])
@pytest.mark.parametrize("power", [0.06, 0.5, 0.8, 0.999])
def test_the_power_at_the_difference_is_that_asked_for(runs, power):
    freedom = 2 * runs - 2
    shift = smallest_difference(1.0, runs, power) / math.sqrt(2 / runs)
    bound = stats.t.ppf(0.975, freedom)
    found = stats.nct.sf(bound, freedom, shift) + stats.nct.cdf(-bound, freedom, shift)
    assert found == pytest.approx(power, abs=1e-6)


def test_the_t_test_detects_it_in_80_percent_of_simulated_sweeps():
    difference = smallest_difference(0.19, 4)
    draws = np.random.default_rng(0).normal(0, 0.19, (2, 4, 20_000))
    p_values = stats.ttest_ind(draws[0] + difference, draws[1]).pvalue
    assert (p_values < 0.05).mean() == pytest.approx(0.8, abs=0.01)


def test_one_run_shows_nothing():
    assert smallest_difference(0.19, 1) is None
    assert smallest_difference(0.0, 3) == 0


@pytest.mark.parametrize(
    ("count", "expected"),
    # The first three are exact; the others those of order statistics' tables.
    [(1, 0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi)),
     (5, 1.16296), (10, 1.53875), (20, 1.86748), (50, 2.24907), (100, 2.50759)],
)  # fmt: skip
def test_expected_maxima(count, expected):
    assert expected_maximum(count) == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize("count", [7, 10**4, 10**6])
def test_expected_maxima_by_the_tails(count):
    def tails(x):
        return 1 - stats.norm.cdf(x) ** count - stats.norm.cdf(-x) ** count

    expected = integrate.quad(tails, 0, 12, points=[3, 5], limit=200)[0]
    assert expected_maximum(count) == pytest.approx(expected, abs=1e-6)


def test_a_maximum_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one number, got 0"):
        expected_maximum(0)


def test_the_best_of_equal_configurations_flatters_by_that_much():
    means = np.random.default_rng(0).normal(90, 0.19, (20_000, 8, 3)).mean(axis=2)
    assert optimism(0.19, 3, 8) == pytest.approx(means.max(axis=1).mean() - 90, abs=2e-3)
    assert optimism(0.19, 3, 1) == 0
