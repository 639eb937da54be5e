"""Calibration against hand-computed cases and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.intervals import wilson


def test_calibration_of_a_hand_computed_case():
    # Two bins of fifteen: (11/15, 12/15] holds 0.75 and 0.8, (14/15, 1] holds 0.95 twice.
    confidence = np.array([0.75, 0.8, 0.95, 0.95])
    found = calibration(confidence, np.array([True, False, True, True]))
    assert list(np.flatnonzero(found.counts)) == [11, 14]
    assert found.confidence[[11, 14]] == pytest.approx([0.775, 0.95])
    assert found.accuracies[11] == wilson(1, 2)
    assert found.accuracies[14] == wilson(2, 2)
    assert found.error == pytest.approx((2 * 0.275 + 2 * 0.05) / 4)
    assert np.isnan(found.confidence[0])
    assert found.accuracies[0] is None


def test_the_error_is_the_mean_gap_of_a_brute_force_search():
    generator = np.random.default_rng(1)
    confidence = generator.random(1000)
    right = generator.random(1000) < confidence**2
    gaps = []
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        gaps.append(abs(right[inside].mean() - confidence[inside].mean()) * inside.sum())
    assert calibration(confidence, right).error == pytest.approx(sum(gaps) / 1000)


def test_confidence_of_0_and_1_has_a_bin():
    found = calibration(np.array([0.0, 1.0]), np.array([False, True]))
    assert found.counts[[0, -1]].tolist() == [1, 1]
