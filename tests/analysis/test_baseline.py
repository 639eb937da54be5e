"""Comparisons with a baseline against SciPy's Dunnett intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cifar_lab.analysis.baseline import against_baseline, baseline_seeds


@pytest.mark.parametrize("sizes", [[6, 3, 3, 3, 3], [3, 3, 3], [4, 1, 5, 2], [1, 4, 4]])
def test_intervals_are_those_of_scipys_dunnett_test(sizes):
    rng = np.random.default_rng(sum(sizes))
    baseline, *variants = [rng.normal(90 - i / 3, 0.19, size) for i, size in enumerate(sizes)]
    found = against_baseline(baseline, variants)
    assert found is not None
    expected = stats.dunnett(*variants, control=baseline, rng=rng)
    bounds = expected.confidence_interval()
    # SciPy's critical value is drawn at random, to about 1 % of the 5 %.
    assert [e.low for e in found] == pytest.approx(bounds.low, abs=0.005)
    assert [e.high for e in found] == pytest.approx(bounds.high, abs=0.005)
    assert [e.difference for e in found] == pytest.approx(
        [np.mean(variant) - np.mean(baseline) for variant in variants]
    )
    assert [e.clear for e in found] == (expected.pvalue < 0.05).tolist()
    assert [e.clear for e in found] == [not e.low <= 0 <= e.high for e in found]


def test_a_single_variant_is_students_t_test():
    baseline, variant = [90.0, 90.2, 90.7], [89.1, 89.6]
    (effect,) = against_baseline(baseline, [variant])
    bounds = stats.ttest_ind(variant, baseline).confidence_interval()
    assert (effect.low, effect.high) == pytest.approx((bounds.low, bounds.high), abs=1e-5)


def test_without_noise_there_are_no_intervals():
    assert against_baseline([90.0], [[91.0], [92.0]]) is None
    assert against_baseline([0.1] * 3, [[0.3] * 3]) is None
    assert against_baseline([90.0, 91.0], []) == []


def test_failed_runs_are_refused():
    with pytest.raises(ValueError, match=r"configuration 1 .*leave failed runs out"):
        against_baseline([90.0, 91.0], [[math.nan, 91.0]])


@pytest.mark.parametrize(("variants", "expected"), [(1, 3), (2, 6), (4, 6), (5, 9), (9, 9)])
def test_the_baseline_gets_root_of_k_times_the_seeds(variants, expected):
    assert baseline_seeds(variants, 3) == expected


def test_more_seeds_of_the_baseline_are_worth_it():
    """Of equal costs, that many give the narrowest intervals, up to rounding."""
    k, total = 9, 120

    def width(baseline):
        return 1 / baseline + 1 / ((total - baseline) / k)

    assert min(range(3, 100), key=width) == baseline_seeds(k, 10)
