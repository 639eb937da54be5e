"""Mean and sample standard deviation against Python's statistics module on hand-made values."""

from __future__ import annotations

import statistics

import pytest

from cifar_lab.analysis.spread import mean_and_deviation


def test_the_deviation_is_the_sample_standard_deviation():
    values = [90.5, 90.7, 91.2]
    mean, deviation = mean_and_deviation(values, 3).split(" ± ")
    assert float(mean) == pytest.approx(statistics.fmean(values), abs=5e-4)
    assert float(deviation) == pytest.approx(statistics.stdev(values), abs=5e-4)


def test_one_value_has_no_deviation():
    assert mean_and_deviation([88.62], 2) == "88.62"
