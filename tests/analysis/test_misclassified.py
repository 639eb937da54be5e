"""Which misclassified images are shown, against a brute-force search."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.analysis.misclassified import RULES, chosen_errors


@pytest.mark.parametrize("number", [1, 7, 1000])
def test_the_most_confident_errors_are_those_of_a_brute_force_search(number):
    logits, labels = predictions()
    wrong = []
    for row, (values, label) in enumerate(zip(logits.tolist(), labels.tolist(), strict=True)):
        predicted = max(range(4), key=values.__getitem__)
        total = sum(math.exp(value) for value in values)
        if predicted != label:
            chances = [math.exp(value) / total for value in values]
            wrong.append((row, label, predicted, chances[predicted], chances[label]))
    wrong.sort(key=lambda error: -error[3])
    errors = chosen_errors(logits, labels, number, "most_confident", seed=0)
    assert [(e.row, e.label, e.predicted) for e in errors] == [e[:3] for e in wrong[:number]]
    actual = [(e.predicted_probability, e.true_probability) for e in errors]
    np.testing.assert_allclose(actual, [error[3:] for error in wrong[:number]], rtol=1e-9)


def test_a_correctly_classified_image_is_never_shown():
    logits, labels = predictions()
    logits[::2] = 0
    logits[np.arange(0, len(labels), 2), labels[::2]] = 50  # far more confident than any error
    errors = chosen_errors(logits, labels, 1000, "most_confident", seed=0)
    assert errors
    assert all(error.row % 2 for error in errors)
    assert all(error.predicted != error.label for error in errors)


@pytest.mark.parametrize("rule", RULES)
def test_where_all_is_right_nothing_is_shown(rule):
    assert chosen_errors(np.eye(3, dtype=np.float32), np.arange(3), 10, rule, seed=0) == []


def test_equal_confidence_keeps_the_order_of_the_rows():
    logits = np.tile(np.array([[2.0, 0.0, 1.0]], dtype=np.float32), (300, 1))
    logits[::3, 0] = 3
    labels = np.arange(300) % 4 % 3  # label 0 is predicted correctly
    wrong = [row for row in range(300) if labels[row]]
    expected = [r for r in wrong if r % 3 == 0] + [r for r in wrong if r % 3]
    assert [e.row for e in chosen_errors(logits, labels, 300, "most_confident", 0)] == expected


def test_errors_of_almost_certainty_are_still_told_apart():
    # In float32 both would have the probability 1.
    logits = np.array([[30.0, 0.0], [35.0, 0.0]], dtype=np.float32)
    first, second = chosen_errors(logits, np.array([1, 1]), 2, "most_confident", 0)
    assert (first.row, second.row) == (1, 0)
    assert second.true_probability == pytest.approx(math.exp(-30), rel=1e-6)


def test_the_highest_losses_are_those_of_the_least_likely_true_classes():
    logits, labels = predictions()
    losses = {}
    for row, (values, label) in enumerate(zip(logits.tolist(), labels.tolist(), strict=True)):
        if max(range(4), key=values.__getitem__) != label:
            total = sum(math.exp(value) for value in values)
            losses[row] = -math.log(math.exp(values[label]) / total)
    expected = sorted(losses, key=lambda row: -losses[row])
    errors = chosen_errors(logits, labels, 9, "highest_loss", seed=0)
    assert [error.row for error in errors] == expected[:9]
    # The order differs from that of confidence.
    confident = chosen_errors(logits, labels, 9, "most_confident", seed=0)
    assert [error.row for error in errors] != [error.row for error in confident]


def test_pairs_are_shown_one_after_the_other_the_most_frequent_first():
    # 0 → 1 once, 2 → 0 twice, 1 → 2 three times; the last prediction is correct.
    predicted, labels = np.array([1, 0, 0, 2, 2, 2, 1]), np.array([0, 2, 2, 1, 1, 1, 1])
    logits = np.zeros((7, 3), np.float32)
    logits[np.arange(7), predicted] = [9, 1, 2, 1, 3, 2, 9]
    errors = chosen_errors(logits, labels, 10, "pair", seed=0)
    assert [error.row for error in errors] == [4, 5, 3, 2, 1, 0]


def test_random_errors_follow_from_the_seed_and_are_spread_over_all():
    logits, labels = predictions()
    wrong = set(np.flatnonzero(logits.argmax(1) != labels))
    first, again, other = (
        [e.row for e in chosen_errors(logits, labels, 5, "random", seed)] for seed in (3, 3, 4)
    )
    assert first == again != other
    seen = {e.row for seed in range(200) for e in chosen_errors(logits, labels, 5, "random", seed)}
    assert seen == wrong


def predictions() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (60, 4)).astype(np.float32)
    return logits, generator.integers(0, 4, 60)
