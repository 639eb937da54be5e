"""Balanced sampling: every class equally often, whatever the images are."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.sampling import balanced

LABELS = np.repeat([0, 1, 2, 3], [50, 5, 30, 15])
ROWS = np.setdiff1d(np.arange(100), [3, 52, 99])


@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_drawn_equally_often_and_only_from_the_rows(seed):
    drawn = balanced(ROWS, LABELS, np.random.default_rng(seed))
    assert drawn.dtype == np.int64
    assert len(drawn) == len(ROWS) == 97
    assert sorted(np.bincount(LABELS[drawn])) == [24, 24, 24, 25]
    assert set(drawn) <= set(ROWS)


def test_the_order_is_random_and_that_of_the_stream():
    one, again, other = (balanced(ROWS, LABELS, np.random.default_rng(s)) for s in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    halves = np.bincount(LABELS[one[:48]], minlength=4)
    assert halves.max() < 24  # not class by class


def test_every_row_of_a_class_is_equally_likely():
    counts = np.zeros(100)
    for seed in range(400):
        counts += np.bincount(balanced(ROWS, LABELS, np.random.default_rng(seed)), minlength=100)
    for label in range(4):
        mine = counts[ROWS[LABELS[ROWS] == label]]
        assert np.abs(mine / mine.mean() - 1).max() < 5 / np.sqrt(mine.mean())
