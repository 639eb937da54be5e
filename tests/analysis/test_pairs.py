"""McNemar's exact test against SciPy's binomial test and the closed formula."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from scipy.stats import binomtest

from cifar_lab.analysis.pairs import paired


def outcomes(both, first, second, neither):
    counts = (both, first, second, neither)
    return (
        np.repeat([True, True, False, False], counts),
        np.repeat([True, False, True, False], counts),
    )


@pytest.mark.parametrize(("first", "second"), [(1, 0), (3, 9), (9, 3), (60, 41), (400, 300)])
def test_the_p_value_is_that_of_a_fair_coin(first, second):
    found = paired(*outcomes(700, first, second, 50))
    assert (found.both_right, found.only_first, found.only_second, found.both_wrong) == (
        700, first, second, 50,
    )  # fmt: skip
    count = first + second
    assert found.p_value == pytest.approx(binomtest(first, count).pvalue, rel=1e-12)
    tail = sum(comb(count, k) for k in range(min(first, second) + 1)) / 2**count
    assert found.p_value == pytest.approx(min(1, 2 * tail), rel=1e-9)


@pytest.mark.parametrize("each", [0, 4])
def test_networks_that_differ_in_neither_direction(each):
    assert paired(*outcomes(5, each, each, 2)).p_value == pytest.approx(1.0)


def test_different_images_are_refused():
    with pytest.raises(ValueError, match="same images, got 3 and 4"):
        paired(np.ones(3, bool), np.ones(4, bool))
