"""The set within noise of the best against SciPy's Dunnett test and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cifar_lab.analysis.dunnett import critical_value
from cifar_lab.analysis.noise import intervals, within_noise


def sweep(rng, sizes, between=0.3, within=0.19):
    return [rng.normal(rng.normal(90, between), within, size).tolist() for size in sizes]


def best_of(values):
    return max(range(len(values)), key=lambda index: np.mean(values[index]))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sizes", [[3] * 8, [5] * 5, [2, 3, 4, 1, 7, 2, 3]])
def test_the_set_is_that_of_scipys_dunnett_test(seed, sizes):
    rng = np.random.default_rng(seed)
    values = sweep(rng, sizes)
    best = best_of(values)
    found = within_noise(values, best)
    if sizes[best] == 1:
        assert not found.marked
        return
    others = [i for i in found.near if i != best]
    p_values = stats.dunnett(
        *[values[i] for i in others], control=values[best], alternative="less", rng=rng
    ).pvalue
    decided = abs(p_values - 0.05) > 0.002  # SciPy's are drawn at random
    assert decided.mean() >= 0.5
    for index, p_value in zip(np.array(others)[decided], p_values[decided], strict=True):
        assert found.within[index] == (p_value > 0.05)
    assert found.within[best]
    assert {i for i, inside in enumerate(found.within) if inside} <= set(found.near)


def test_the_simulated_sweeps_have_both_kinds():
    values = [sweep(np.random.default_rng(seed), [3] * 8) for seed in range(12)]
    counts = [sum(within_noise(each, best_of(each)).within) for each in values]
    assert min(counts) < 4 < max(counts)


def test_by_hand():
    # Variances 0.01, 0.01 and 0.04: s² = 0.02 with 6 degrees of freedom; 2.34 standard errors.
    values = [[90.0, 90.1, 90.2], [89.9, 90.0, 89.8], [89.3, 89.5, 89.7]]
    found = within_noise(values, 0)
    assert found.within == (True, True, False)
    assert found.marked
    assert found.why_not == ""
    assert found.deviation == pytest.approx(math.sqrt(0.02))
    assert found.freedom == 6
    assert found.near == (0, 1, 2)
    assert stats.multivariate_t(shape=[[1, 0.5], [0.5, 1]], df=6).cdf(
        [2.3373] * 2, random_state=0
    ) == pytest.approx(0.95, abs=1e-3)
    reach = 2.3373 * math.sqrt(0.02) * math.sqrt(2 / 3)
    for gap, inside in ((reach - 1e-3, True), (reach + 1e-3, False)):
        shifted = [90.1 - gap + step for step in (-0.2, 0, 0.2)]
        assert within_noise([values[0], values[1], shifted], 0).within[2] is inside


def test_a_diverging_configuration_does_not_swell_the_set():
    rng = np.random.default_rng(0)
    sets, plain, kept = [], [], []
    for _ in range(100):
        means = np.sort(rng.normal(90, 0.3, 8))
        means[0] -= 5
        deviations = [0.19 * 20] + [0.19] * 7
        values = [rng.normal(m, s, 3) for m, s in zip(means, deviations, strict=True)]
        best = best_of(values)
        sets.append(sum(within_noise(values, best).within))
        kept.append(within_noise(values, best).within[7])
        s = math.sqrt(np.mean([np.var(each, ddof=1) for each in values]))
        reach = critical_value([3] * 7, 3, 16, False) * s * math.sqrt(2 / 3)
        plain.append(sum(np.mean(values[best]) - np.mean(each) <= reach for each in values))
    assert np.mean(plain) > 6.5
    assert np.mean(sets) < 4.5
    assert np.mean(kept) > 0.95


def test_the_true_best_stays_in_the_set():
    rng = np.random.default_rng(1)
    stayed = []
    for _ in range(300):
        means = rng.normal(90, 0.2, 8)
        values = [rng.normal(mean, 0.19, 3) for mean in means]
        stayed.append(within_noise(values, best_of(values)).within[means.argmax()])
    assert np.mean(stayed) >= 0.95


def test_a_configuration_with_one_seed_is_compared_and_says_nothing_about_noise():
    values = [[90.0, 90.2, 90.4], [89.9, 90.1, 90.3]]
    with_one = [*values, [90.1], [89.0]]
    found = within_noise(with_one, 0)
    assert found.deviation == within_noise(values, 0).deviation
    assert found.freedom == 4
    assert found.within == (True, True, True, False)
    assert found.near == (0, 1, 2, 3)
    # 0.5 points: outside for as many runs as the best has, inside for one.
    assert within_noise([*values, [89.7]], 0).within[2]
    assert not within_noise([*values, [89.7, 89.5, 89.9]], 0).within[2]


@pytest.mark.parametrize(
    ("values", "best", "why"),
    [
        ([[90.0], [91.0]], 1, "each configuration ran with a single seed"),
        ([[90.0, 90.1], [91.0]], 1, "the best configuration ran with a single seed"),
        ([[90.0, 90.0], [91.0, 91.0]], 1, "the results do not differ between seeds"),
        ([[90.0, 90.2]], 0, "there is only one configuration"),
    ],
)
def test_without_knowing_the_noise_nothing_is_marked(values, best, why):
    found = within_noise(values, best)
    assert (found.marked, found.why_not) == (False, why)
    assert found.within == (False,) * len(values)
    assert best in found.near


def test_only_configurations_near_the_best_are_within_noise():
    # The one that varies by 10 points is near all the same, and makes the noise large.
    steady = [[90.0, 90.02], [89.99, 90.01], [89.98, 90.0]]
    found = within_noise([*steady, [85.0, 95.0], [89.0, 89.02]], 0)
    assert found.near == (0, 1, 2, 3)
    assert found.deviation > 2
    assert found.within == (True, True, True, True, False)


def test_a_best_far_ahead_is_alone():
    found = within_noise([[95.0, 95.1], [80.0, 80.1], [81.0, 81.1]], 0)
    assert found.within == (True, False, False)
    assert found.near == (0,)
    assert found.freedom == 1


def test_failed_runs_are_refused():
    with pytest.raises(ValueError, match="leave failed runs out"):
        within_noise([[90.0, math.nan], [90.0, 91.0]], 1)


def test_intervals_pool_the_deviation_near_the_best_and_leave_the_others_their_own():
    # The first two have variances 2 and 8, together 5 with 2 degrees of freedom; the third
    # diverges, and its own variance is 200 with 1. Student's quantiles are SciPy's.
    values = [[91.0, 93.0], [89.0, 93.0], [20.0, 40.0], [10.0]]
    noise = within_noise(values, 0)
    assert set(noise.near) == {0, 1}
    found = intervals(values, noise)
    near = stats.t.ppf(0.975, 2) * math.sqrt(5 / 2)
    assert found[0] == pytest.approx((92 - near, 92 + near))
    assert found[1] == pytest.approx((91 - near, 91 + near))
    assert found[2] == pytest.approx(
        (30 - stats.t.ppf(0.975, 1) * 10, 30 + stats.t.ppf(0.975, 1) * 10)
    )
    assert found[3] is None
