"""The measurement that tells whether bfloat16 is worth it."""

from __future__ import annotations

import random
import statistics

import pytest
import torch

from cifar_lab.engine.probe import (
    BUDGET_SECONDS,
    PAIRS,
    Convolution,
    faster,
    interleaved,
    speedup,
)


def test_each_precision_warms_up_once_and_then_they_take_turns():
    order, seconds = (
        [],
        iter([9.0e-2, 9.0e-2, 1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3, 7e-3, 8e-3, 9e-3, 1e-2]),
    )

    def timer(precision: str) -> float:
        order.append(precision)
        return next(seconds)

    pairs = interleaved(timer)
    assert order == ["bfloat16", "float32"] * (1 + PAIRS)
    assert pairs == ((1e-3, 2e-3), (3e-3, 4e-3), (5e-3, 6e-3), (7e-3, 8e-3), (9e-3, 1e-2))


@pytest.mark.parametrize(("each", "expected"), [(0.01, 5), (0.06, 3), (0.1, 1), (2.0, 1)])
def test_no_pair_is_begun_that_would_not_end_in_time(each, expected):
    """Of a warm-up and n pairs of 2 * each, as many as fit into half a second; at least one."""
    assert BUDGET_SECONDS == 0.5
    assert len(interleaved(lambda _: each)) == expected


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([1.2] * 5, "bfloat16"),
        ([1.19] * 5, "float32"),
        ([0.7] * 5, "float32"),
        ([0.1, 0.1, 1.5, 1.5, 1.5], "bfloat16"),  # the median, not the mean
        ([9.0, 9.0, 1.1, 1.1, 1.1], "float32"),
    ],
)
def test_bfloat16_must_be_a_fifth_faster_in_the_median(ratios, expected):
    pairs = [(1.0, ratio) for ratio in ratios]
    assert faster(pairs) == expected
    assert speedup(pairs) == statistics.median(ratios)


def test_the_real_measurement_takes_time_and_draws_nothing():
    torch.manual_seed(3)
    random.seed(3)
    before = torch.get_rng_state(), random.getstate()
    timer = Convolution()
    assert all(0 < timer(precision) < 60 for precision in ("bfloat16", "float32"))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
