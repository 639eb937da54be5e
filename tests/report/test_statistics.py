"""Statistics against scikit-learn, closed forms and hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from cifar_lab.report.statistics import (
    calibration,
    class_results,
    confused_pairs,
    confusion,
    coverage,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_are_those_of_newcombes_table(hits, count, low, high):
    found = wilson(hits, count)
    assert found.share == hits / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_bounds_solve_the_score_equation():
    # Wilson's bounds are where |share - p| is z standard errors of p itself.
    found = wilson(37, 50)
    for bound in (found.low, found.high):
        error = math.sqrt(bound * (1 - bound) / 50)
        assert abs(0.74 - bound) / error == pytest.approx(1.959964, abs=1e-6)


def test_bounds_stay_within_0_and_1_and_none_is_everything():
    assert wilson(0, 5).low == 0.0
    assert wilson(5, 5).high == 1.0
    assert wilson(0, 0) == (0.0, 0.0, 1.0)


def test_the_matrix_and_the_classes_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(0, 5, 400), generator.integers(0, 4, 400)
    matrix = confusion(labels, predicted, 6)  # one class never predicted, one without images
    expected = metrics.confusion_matrix(labels, predicted, labels=range(6))
    np.testing.assert_array_equal(matrix, expected)
    results = class_results(matrix, tuple("abcdef"))
    table = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(6), zero_division=0
    )
    for number, result in enumerate(results):
        found = (result.precision.share, result.recall.share, result.f1, result.count)
        assert found == pytest.approx([column[number] for column in table])
    assert [result.name for result in results] == list("abcdef")


def test_pairs_are_the_largest_cells_off_the_diagonal():
    matrix = np.array([[50, 3, 0], [3, 40, 7], [0, 1, 30]])
    pairs = confused_pairs(matrix, 10)
    assert pairs == [(1, 2, 7), (0, 1, 3), (1, 0, 3), (2, 1, 1)]
    assert confused_pairs(matrix, 2) == pairs[:2]


def test_calibration_of_a_hand_computed_case():
    # Two bins of fifteen: (11/15, 12/15] holds 0.75 and 0.8, (14/15, 1] holds 0.95 twice.
    confidence = np.array([0.75, 0.8, 0.95, 0.95])
    found = calibration(confidence, np.array([True, False, True, True]))
    assert list(np.flatnonzero(found.counts)) == [11, 14]
    assert found.confidence[[11, 14]] == pytest.approx([0.775, 0.95])
    assert found.accuracy[[11, 14]] == pytest.approx([0.5, 1.0])
    assert found.error == pytest.approx((2 * 0.275 + 2 * 0.05) / 4)
    assert np.isnan(found.accuracy[0])


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


def test_coverage_is_the_accuracy_among_the_most_confident():
    shares, accuracies = coverage(
        np.array([0.9, 0.5, 0.7, 0.6]), np.array([True, False, True, False])
    )
    assert shares.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert accuracies.tolist() == pytest.approx([1.0, 1.0, 2 / 3, 0.5])
