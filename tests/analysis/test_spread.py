"""Mean and sample standard deviation against Python's statistics module on hand-made values."""

from __future__ import annotations

import statistics

import pytest
from scipy.stats import ttest_1samp

from cifar_lab.analysis.spread import mean_and_deviation, student


def test_the_deviation_is_the_sample_standard_deviation():
    values = [90.5, 90.7, 91.2]
    mean, deviation = mean_and_deviation(values, 3).split(" ± ")
    assert float(mean) == pytest.approx(statistics.fmean(values), abs=5e-4)
    assert float(deviation) == pytest.approx(statistics.stdev(values), abs=5e-4)


def test_one_value_has_no_deviation():
    assert mean_and_deviation([88.62], 2) == "88.62"


@pytest.mark.parametrize("values", [[0.9, 0.91], [0.9055, 0.9091, 0.9036], [0.1, 0.5, 0.2, 0.9]])
def test_the_interval_over_seeds_is_that_of_the_t_test(values):
    found = student(values)
    expected = ttest_1samp(values, popmean=0).confidence_interval(0.95)
    assert found.share == pytest.approx(sum(values) / len(values))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_single_seed_has_no_interval():
    with pytest.raises(ValueError, match="at least two seeds are needed, got 1"):
        student([0.9])
