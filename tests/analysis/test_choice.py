"""The rule that decides between validated results, by hand-made cases."""

from __future__ import annotations

import itertools
import math

import pytest

from cifar_lab.analysis.choice import Validated, is_better

#: From best to worst.
ORDERED = [
    Validated(0.9, 0.2),
    Validated(0.9, 0.3),
    Validated(0.9, math.inf),
    Validated(0.8, 0.01),
    Validated(0.8, math.nan),
    Validated(0.0, -5.0),
]


@pytest.mark.parametrize(("better", "worse"), list(itertools.combinations(ORDERED, 2)))
def test_accuracy_decides_and_loss_between_equal_ones(better, worse):
    assert is_better(better, worse)
    assert not is_better(worse, better)


@pytest.mark.parametrize("result", ORDERED)
def test_an_equal_result_does_not_replace_the_earlier_one(result):
    assert not is_better(Validated(*result), result)
