"""Risk against coverage by hand, by closed formulas, and ties by enumerating their orders."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from cifar_lab.analysis.selective import risks


def test_a_hand_computed_case():
    # By confidence: right, wrong, right, wrong.
    found = risks(np.array([0.9, 0.5, 0.6, 0.7]), np.array([True, False, True, False]))
    assert found.kept == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert found.best == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert found.random == 0.5
    assert found.area == pytest.approx((1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.excess == pytest.approx(1 / 8)


def test_equal_confidence_counts_as_the_mean_of_all_orders():
    confidence = np.array([0.9, 0.6, 0.6, 0.6, 0.3, 0.2])
    right = np.array([True, False, True, False, True, False])
    orders = [(0, *middle, 4, 5) for middle in itertools.permutations([1, 2, 3])]
    curves = [np.cumsum(~right[list(order)]) / np.arange(1, 7) for order in orders]
    assert risks(confidence, right).kept == pytest.approx(np.mean(curves, axis=0))


def test_if_all_are_equally_confident_the_order_is_random():
    found = risks(np.full(7, 0.3), np.arange(7) < 5)
    assert found.kept == pytest.approx([2 / 7] * 7)
    assert found.area == pytest.approx(found.random)


def test_the_best_order_has_the_area_of_its_limit():
    # Geifman et al. 2019: r + (1 - r) log(1 - r) for many images.
    right = np.arange(100_000) >= 20_000
    found = risks(np.arange(100_000) / 100_000, right)
    assert found.best_area == pytest.approx(0.2 + 0.8 * math.log(0.8), abs=1e-5)
    assert found.excess == pytest.approx(0, abs=1e-12)  # the confidence is in that order


def test_no_order_is_better_than_the_best_one():
    generator = np.random.default_rng(0)
    right = generator.random(500) < 0.7
    found = risks(generator.random(500), right)
    assert (found.kept >= found.best - 1e-12).all()
    assert found.kept[-1] == found.best[-1] == pytest.approx(found.random)


def test_what_is_no_number_is_kept_last():
    found = risks(np.array([np.nan, 0.1, 0.2]), np.array([False, True, True]))
    assert found.kept == pytest.approx([0, 0, 1 / 3])
