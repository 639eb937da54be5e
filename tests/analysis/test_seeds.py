"""Excess variance by enumerating all outcomes; coverage of the comparison by simulation."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from cifar_lab.analysis.seeds import excess_variance, other_images


def networks(rng, probability, seeds, shift):
    """Independent predictions, by networks that are each better or worse on all images."""
    level = probability + rng.normal(0, shift, (seeds, 1))
    return rng.random((seeds, len(probability))) < level


@pytest.mark.parametrize("shift", [0.0, 0.1])
@pytest.mark.parametrize("seeds", [2, 3])
def test_the_estimate_is_unbiased_over_all_outcomes(shift, seeds):
    """Each seed's network is better or worse by ``shift`` on all images, with equal chance."""
    probability = np.array([0.8, 0.3, 0.5])
    outcomes = np.array(list(product([False, True], repeat=3)))
    chances = np.mean(
        [
            np.prod(np.where(outcomes, probability + each, 1 - probability - each), axis=1)
            for each in (-shift, shift)
        ],
        axis=0,
    )
    expected = sum(
        math.prod(chances[list(rows)]) * excess_variance(outcomes[list(rows)])
        for rows in product(range(8), repeat=seeds)
    )
    assert expected == pytest.approx(shift**2, abs=1e-12)


def test_by_hand_and_below_zero():
    # Error rates 0 and 1; then 1/2 twice, which is less than binomial.
    assert excess_variance(np.array([[1, 1], [0, 0]], bool)) == pytest.approx(2 * (0.5 - 0.25))
    assert excess_variance(np.array([[1, 0], [0, 1]], bool)) == pytest.approx(2 * (0 - 0.25))


@pytest.mark.parametrize("shape", [(1, 5), (5, 1)])
def test_one_seed_or_image_has_no_variance(shape):
    with pytest.raises(ValueError, match="at least two seeds and two images"):
        excess_variance(np.ones(shape, bool))


@pytest.mark.parametrize("shift", [0.0, 0.02])
def test_the_interval_covers_the_difference_on_all_images(shift):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(300):
        base = rng.uniform(0.2, 0.8, 1000)
        found = other_images(
            networks(rng, base + 0.05, 6, shift),
            networks(rng, base + rng.uniform(-0.1, 0.1, 1000), 4, shift),
        )
        assert found is not None
        covered.append(found.low <= 0.05 <= found.high)
        assert found.difference == pytest.approx((found.low + found.high) / 2)
        assert found.high - found.low == pytest.approx(2 * 1.959964 * found.error)
    assert 0.91 <= np.mean(covered) <= 0.985


def test_by_hand_with_a_negative_excess():
    a = np.array([[1, 0, 1, 1], [0, 1, 1, 1]], bool)
    b = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], bool)
    found = other_images(a, b)
    # Differences of images 0, 0, 1, 1; both excess variances are below 0 and count as 0.
    assert excess_variance(a) < 0
    assert found.difference == 0.5
    assert found.error == pytest.approx(math.sqrt(1 / 3 / 4))


def test_by_hand_with_an_excess():
    a = np.array([[1, 1], [0, 0]], bool)  # excess 1/2, one degree of freedom
    b = np.array([[1, 0], [0, 1], [1, 0]], bool)  # excess -1/3 · 2, two
    excess = -2 * (2 / 9 * 2) * 3 / 2 / 4
    assert excess_variance(b) == pytest.approx(excess)
    assert other_images(a, a).error == pytest.approx(math.sqrt(0.5))
    found = other_images(a, b)
    pooled = max(0, (0.5 + 2 * excess) / 3)
    assert found.error == pytest.approx(
        math.sqrt((1 / 18) / 2 + pooled * (1 / 2 + 1 / 3)), rel=1e-9
    )


def test_a_single_seed_is_not_compared():
    many, single = np.ones((3, 4), bool), np.ones((1, 4), bool)
    assert other_images(many, single) is None
    assert other_images(single, many) is None


def test_different_images_are_refused():
    with pytest.raises(ValueError, match="same images, got 4 and 5"):
        other_images(np.ones((2, 4), bool), np.ones((2, 5), bool))
