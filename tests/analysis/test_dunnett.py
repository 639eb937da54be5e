"""Critical values against published tables, closed formulas and SciPy's multivariate t."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cifar_lab.analysis.dunnett import critical_value


@pytest.mark.parametrize(
    ("count", "freedom", "expected"),
    [(1, 4, 2.132), (4, 10, 2.465), (7, 16, 2.558), (7, 32, 2.445), (19, 40, 2.738)],
)
def test_one_sided_values_for_equal_numbers_of_runs(count, freedom, expected):
    assert critical_value([3] * count, 3, freedom, False) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("two_sided", "freedom", "row"),
    [
        # Dunnett 1955, table 1a, and 1964, table II: 1 to 5 comparisons, joint confidence 95 %.
        (False, 5, [2.02, 2.44, 2.68, 2.85, 2.98]),
        (False, 10, [1.81, 2.15, 2.34, 2.47, 2.56]),
        (True, 5, [2.57, 3.03, 3.29, 3.48, 3.62]),
        (True, 10, [2.23, 2.57, 2.76, 2.89, 2.99]),
    ],
)
def test_values_are_those_of_dunnetts_tables(two_sided, freedom, row):
    found = [critical_value([4] * k, 4, freedom, two_sided) for k in range(1, 6)]
    assert found == pytest.approx(row, abs=0.0051)


@pytest.mark.parametrize("freedom", [1, 2, 7, 100, 10**6])
@pytest.mark.parametrize(("others", "best"), [(3, 3), (50, 2), (1, 9)])
def test_a_single_comparison_is_students(freedom, others, best):
    one, two = (critical_value([others], best, freedom, sides) for sides in (False, True))
    assert one == pytest.approx(stats.t.ppf(0.95, freedom), abs=1e-5)
    assert two == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-5)


@pytest.mark.parametrize("count", [2, 10, 1000])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_against_a_known_control_the_comparisons_are_independent(count, confidence):
    found = critical_value([3] * count, 10**10, 10**9, False, confidence)
    assert found == pytest.approx(stats.norm.ppf(confidence ** (1 / count)), abs=1e-4)
    found = critical_value([3] * count, 10**10, 10**9, True, confidence)
    assert found == pytest.approx(stats.norm.ppf((1 + confidence ** (1 / count)) / 2), abs=1e-4)


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize(
    ("others", "best", "freedom"),
    [([3, 3, 3], 3, 8), ([1, 2, 10], 4, 13), ([30, 2], 2, 1), ([5, 5, 3, 1], 1, 10)],
)
def test_the_joint_probability_is_that_of_scipys_multivariate_t(others, best, freedom, two_sided):
    bound = critical_value(others, best, freedom, two_sided)
    n = np.array(others)
    correlation = np.sqrt(np.outer(n, n) / np.outer(n + best, n + best))
    np.fill_diagonal(correlation, 1)
    upper = np.full(len(n), bound)
    t = stats.multivariate_t(shape=correlation, df=freedom)
    share = t.cdf(
        upper, lower_limit=-upper if two_sided else None, random_state=0, maxpts=2 * 10**5
    )
    assert share == pytest.approx(0.95, abs=2e-4)


def test_a_thousand_configurations_with_different_numbers_of_runs():
    others = [1 + i % 4 for i in range(1000)]
    found = critical_value(others, 3, 1500, False)
    # Within those of the smallest and the largest correlation.
    assert critical_value([4] * 1000, 3, 1500, False) < found
    assert found < critical_value([1] * 1000, 3, 1500, False)
    assert found == critical_value(others[::-1], 3, 1500, False)


@pytest.mark.parametrize(("others", "best", "freedom"), [([], 3, 4), ([0], 3, 4), ([3], 3, 0)])
def test_what_cannot_be_compared_is_refused(others, best, freedom):
    with pytest.raises(ValueError, match="at least one configuration"):
        critical_value(others, best, freedom, False)
