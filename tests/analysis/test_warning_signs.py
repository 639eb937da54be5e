"""Signs that show, and the same just below their thresholds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.warning_signs import (
    error_by_chance,
    far_apart,
    miscalibrated,
    never_predicted,
    rise_at_end,
)


def test_a_point_in_the_last_epoch_is_a_rise():
    assert rise_at_end([0.5, 0.8, 0.811], 10_000, annealed=False) == (0.811, 0.8, 1)
    assert rise_at_end([0.5, 0.8, 0.809], 10_000, annealed=False) is None


def test_a_rise_must_exceed_the_best_epoch_so_far():
    assert rise_at_end([0.5, 0.805, 0.7, 0.811], 10_000, annealed=False) is None


def test_annealing_explains_up_to_ten_points():
    assert rise_at_end([0.5, 0.7, 0.81], 10_000, annealed=True) == (0.81, 0.7, 1)
    assert rise_at_end([0.5, 0.7, 0.79], 10_000, annealed=True) is None


def test_of_few_images_a_rise_must_exceed_two_standard_errors():
    """Of 100 images at 80 % these are 8 points."""
    assert rise_at_end([0.5, 0.71, 0.8], 100, annealed=False) == (0.8, 0.71, 1)
    assert rise_at_end([0.5, 0.73, 0.8], 100, annealed=False) is None


def test_the_end_of_a_long_run_is_its_last_twentieth():
    slow = [0.5 + 0.003 * epoch for epoch in range(100)]
    assert rise_at_end(slow, 10_000, annealed=False) == pytest.approx((0.797, 0.782, 5))
    assert rise_at_end(slow[:20], 10_000, annealed=False) is None  # 0.3 points in the last epoch


def test_without_earlier_or_finite_values_nothing_is_said():
    assert rise_at_end([0.9], 100, annealed=False) is None
    assert rise_at_end([0.1, math.nan, 0.9], 100, annealed=False) is None


def test_ten_points_between_training_and_held_out_images_are_far_apart():
    assert far_apart(0.95, 0.849, 10_000)
    assert not far_apart(0.95, 0.851, 10_000)
    assert not far_apart(0.80, 0.95, 10_000)


def test_of_few_images_they_must_exceed_two_standard_errors():
    """Of 25 images at 50 % these are 20 points."""
    assert far_apart(0.71, 0.5, 25)
    assert not far_apart(0.69, 0.5, 25)


def test_chance_explains_about_the_deviation_of_a_mean():
    """With one confidence of 0.5 there is one bin: |mean of n outcomes − 0.5|, whose deviation is
    0.5 / √n; 99 % of the normal distribution lie within 2.58 of it."""
    found = error_by_chance(np.full(400, 0.5))
    assert found == pytest.approx(2.58 * 0.5 / 20, rel=0.2)
    assert error_by_chance(np.full(400, 0.5)) == found


def test_a_calibrated_model_is_within_chance_and_an_overconfident_one_is_not():
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.3, 1, 2000)
    calibrated = generator.random(2000) < confidence
    overconfident = generator.random(2000) < confidence - 0.1
    by_chance = error_by_chance(confidence)
    assert not miscalibrated(calibration(confidence, calibrated).error, by_chance)
    assert miscalibrated(calibration(confidence, overconfident).error, by_chance)


@pytest.mark.parametrize(
    ("error", "by_chance", "expected"),
    [(0.05, 0.049, True), (0.049, 0.01, False), (0.08, 0.08, False), (math.nan, 0.01, False)],
)
def test_a_calibration_error_must_be_large_and_beyond_chance(error, by_chance, expected):
    assert miscalibrated(error, by_chance) is expected


def test_a_class_of_five_images_that_is_never_predicted_is_named():
    assert never_predicted(np.asarray([[9, 1, 0], [1, 9, 0], [2, 3, 0]])) == [2]
    assert never_predicted(np.asarray([[9, 1, 0], [1, 9, 0], [2, 2, 0]])) == []
    assert never_predicted(np.asarray([[9, 1, 0], [1, 9, 0], [0, 0, 0]])) == []  # has no images
