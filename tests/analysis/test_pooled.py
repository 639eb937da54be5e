"""Pooled deviations against analysis of variance by hand and on exact cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.analysis.pooled import pooled, require_finite


def test_variances_are_weighted_by_their_degrees_of_freedom():
    groups = [[1.0, 3.0], [5.0, 5.0, 8.0], [100.0]]
    found = pooled(groups)
    assert found is not None
    assert found.freedom == 3
    # 1 · 2 and 2 · 3 over 1 + 2 degrees of freedom.
    assert found.deviation == pytest.approx(math.sqrt((2 + 6) / 3), rel=1e-12)
    variances = [np.var(group, ddof=1) for group in groups[:2]]
    assert found.deviation**2 == pytest.approx(np.average(variances, weights=[1, 2]), rel=1e-12)


def test_equal_values_have_no_deviation_at_all():
    # Their mean, 0.10000000000000002, differs from each of them.
    assert sum([0.1] * 3) / 3 != 0.1
    found = pooled([[0.1] * 3, [90.7] * 7])
    assert found is not None
    assert found.deviation == 0


def test_single_values_say_nothing_about_deviation():
    assert pooled([[90.0], [91.0]]) is None


@pytest.mark.parametrize("bad", [[], [math.nan, 90.0], [math.inf]])
def test_what_has_no_mean_is_refused(bad):
    with pytest.raises(ValueError, match=r"configuration 1 has the values.*leave failed runs out"):
        require_finite([[90.0], bad])
