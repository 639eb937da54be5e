"""Statistics against scikit-learn, closed forms and hand-computed cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn import metrics

from cifar_lab.analysis.predictions import (
    balanced_accuracy,
    class_results,
    confused_pairs,
    confusion,
    correct,
    energies,
    most_probable,
    predicted_classes,
    softmax,
)


def test_the_matrix_and_the_classes_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(0, 5, 400), generator.integers(0, 4, 400)
    matrix = confusion(labels, predicted, 6)  # one class never predicted, one without images
    expected = metrics.confusion_matrix(labels, predicted, labels=range(6))
    np.testing.assert_array_equal(matrix, expected)
    results = class_results(matrix, tuple("abcdef"))
    table = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(6), zero_division=np.nan
    )
    for number, result in enumerate(results):
        expected = [column[number] for column in table]
        assert numbers_of(result) == pytest.approx(expected, nan_ok=True)
    assert results[4].precision is None
    assert results[5].recall is None
    assert results[5].f1 is None
    assert [result.label for result in results] == list(range(6))
    assert [result.name for result in results] == list("abcdef")


def numbers_of(result) -> list[float]:
    """Precision, recall, F1 and count; NaN where a ratio is undefined, as scikit-learn has it."""
    shares = [None if r is None else r.share for r in (result.precision, result.recall)]
    return [*(np.nan if n is None else n for n in (*shares, result.f1)), result.count]


def test_pairs_are_the_largest_cells_off_the_diagonal():
    matrix = np.array([[50, 3, 0], [3, 40, 7], [0, 1, 30]])
    pairs = confused_pairs(matrix, 10)
    assert pairs == [(1, 2, 7), (0, 1, 3), (1, 0, 3), (2, 1, 1)]
    assert confused_pairs(matrix, 2) == pairs[:2]


def test_softmax_of_large_logits_is_finite_and_sums_to_one():
    probabilities = softmax(np.array([[1e4, 1e4 - 1, -1e4], [-1e4, -1e4, -1e4]], dtype=np.float32))
    odds = 1 / (1 + math.exp(-1))
    np.testing.assert_allclose(probabilities, [[odds, 1 - odds, 0], [1 / 3] * 3], rtol=1e-12)
    assert probabilities.dtype == np.float64


NAMES = ("ant", "bee", "cat", "dog")


@pytest.mark.parametrize(
    ("present", "claimed"),
    [
        pytest.param([0, 1, 2, 3], [0, 1, 2, 3], id="every class"),
        pytest.param([0, 1, 2, 3], [0, 1], id="classes never predicted"),
        pytest.param([0, 1], [0, 1, 2, 3], id="classes without images"),
        pytest.param([0, 1], [1, 2], id="classes of neither kind"),
    ],
)
def test_precision_recall_and_f1_equal_those_of_scikit_learn(present, claimed):
    generator = np.random.default_rng(0)
    labels = generator.choice(present, 200)
    predicted = np.where(generator.random(200) < 0.5, labels, generator.choice(claimed, 200))
    if set(claimed) != {0, 1, 2, 3}:
        predicted = generator.choice(claimed, 200)
    rows = class_results(confusion(labels, predicted, len(NAMES)), NAMES)
    expected = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(len(NAMES)), zero_division=np.nan
    )
    assert tuple(row.name for row in rows) == NAMES
    found = zip(*map(numbers_of, rows), strict=True)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_the_prediction_is_the_largest_logit_and_the_first_of_a_tie():
    logits = np.array([[0.1, 0.3, 0.2], [2, 2, 1], [-5, -7, -4]], dtype=np.float32)
    assert predicted_classes(logits).tolist() == [1, 0, 2]
    assert correct(logits, np.array([1, 1, 2])).tolist() == [True, False, True]


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
@pytest.mark.parametrize("seed", range(4))
def test_balanced_accuracy_is_that_of_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    labels = generator.choice(5, 60, p=[0.6, 0.2, 0.1, 0.1, 0.0])  # one class without images
    predicted = np.where(generator.random(60) < 0.5, labels, generator.integers(0, 5, 60))
    expected = metrics.balanced_accuracy_score(labels, predicted)
    assert balanced_accuracy(confusion(labels, predicted, 5)) == pytest.approx(expected, rel=1e-12)


def test_energies_are_those_of_scipy():
    logits = np.random.default_rng(0).normal(0, 30, (50, 7)).astype(np.float32)
    np.testing.assert_allclose(energies(logits), -logsumexp(logits.astype(float), axis=1))
    assert np.isfinite(energies(np.asarray([[1e30, -1e30]], dtype=np.float32))).all()


def test_the_most_probable_classes_are_in_the_order_of_the_logits():
    shares = [[0.2, 0.5, 0.3], [0.25, 0.25, 0.5]]
    first, second = most_probable(np.log(np.float32(shares)), ["ant", "bee", "cat"], 2)
    assert [each[:2] for each in first] == [(1, "bee"), (2, "cat")]
    assert [each[:2] for each in second] == [(2, "cat"), (0, "ant")]  # of equal ones, the first
    assert [each.probability for each in first] == pytest.approx([0.5, 0.3])
    # Their probabilities are the same number; the prediction is still the larger logit.
    (close,) = most_probable(np.float32([[0, 1e-20, -2000, -1000]]), "abcd", 9)
    assert [each.name for each in close] == ["b", "a", "d", "c"]
