"""Confident learning: cases by hand, and planted errors."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.analysis.label_errors import (
    Suspect,
    confident_classes,
    confident_joint,
    suspects,
    thresholds,
)
from cifar_lab.analysis.predictions import softmax

#: Six images of two classes, as in Northcutt et al., section 3.1, in small.
PROBABILITIES = np.asarray([
    [0.9, 0.1], [0.7, 0.3], [0.2, 0.8],  # given as class 0: threshold 0.6
    [0.1, 0.9], [0.5, 0.5], [0.7, 0.3],  # given as class 1: threshold 1.7 / 3
])  # fmt: skip
LABELS = np.asarray([0, 0, 0, 1, 1, 1])


def test_thresholds_are_the_mean_probability_of_the_given_label():
    assert thresholds(PROBABILITIES, LABELS) == pytest.approx([0.6, 1.7 / 3])


def test_images_are_counted_by_given_label_and_confident_class():
    assert confident_classes(PROBABILITIES, LABELS).tolist() == [0, 0, 1, 1, -1, 0]
    assert confident_joint(PROBABILITIES, LABELS).tolist() == [[2, 1], [1, 1]]


def test_suspects_are_off_the_diagonal_the_lowest_margin_first():
    found = suspects(PROBABILITIES, LABELS)
    assert found == [Suspect(2, 0, 1, 0.2, 0.8), Suspect(5, 1, 0, 0.3, 0.7)]
    assert [each.margin for each in found] == pytest.approx([-0.6, -0.4])


def test_of_several_classes_that_are_reached_the_most_probable_counts():
    probabilities = np.asarray([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2], [0.9, 0.05, 0.05]])
    labels = np.asarray([1, 1, 2])
    # Thresholds: none of class 0, 0.35 of class 1, 0.05 of class 2.
    assert thresholds(probabilities, labels) == pytest.approx([np.inf, 0.35, 0.05])
    assert confident_classes(probabilities, labels).tolist() == [1, 2, 2]
    assert confident_joint(probabilities, labels).tolist() == [[0, 0, 0], [0, 1, 1], [0, 0, 1]]


def test_a_class_that_is_no_more_probable_than_the_given_one_is_not_suspected():
    probabilities = np.asarray([[0.6, 0.4], [0.95, 0.05], [0.3, 0.7], [0.9, 0.1]])
    labels = np.asarray([0, 0, 1, 1])  # thresholds 0.775 and 0.4
    assert confident_joint(probabilities, labels)[0, 1] == 1
    assert [each.row for each in suspects(probabilities, labels)] == [3]


@pytest.mark.parametrize("value", [0.1, 0.3, 0.7])
def test_images_that_are_all_alike_reach_their_mean(value):
    probabilities = np.tile([value, 1 - value], (7, 1))
    assert confident_joint(probabilities, np.zeros(7, np.int64)).tolist() == [[7, 0], [0, 0]]


def planted(classes: int, number: int, separation: float) -> tuple[np.ndarray, ...]:
    """Probabilities, labels of which 5 % are wrong, and which are."""
    generator = np.random.default_rng(0)
    true = np.arange(number) % classes
    logits = generator.normal(size=(number, classes)).astype(np.float32)
    logits[np.arange(number), true] += separation
    wrong = np.zeros(number, np.bool_)
    wrong[generator.choice(number, number // 20, replace=False)] = True
    offset = generator.integers(1, classes, number)
    return softmax(logits), np.where(wrong, (true + offset) % classes, true), wrong


@pytest.mark.parametrize(
    ("classes", "separation", "precision", "recall"),
    [(10, 12, 1.0, 0.98), (10, 6, 0.98, 0.8), (100, 12, 1.0, 0.9)],
)
def test_planted_errors_are_found(classes, separation, precision, recall):
    probabilities, labels, wrong = planted(classes, 4_000, separation)
    found = np.asarray([each.row for each in suspects(probabilities, labels)])
    assert wrong[found].mean() >= precision
    assert wrong[found].sum() / wrong.sum() >= recall


def test_the_first_suspects_are_the_surest():
    probabilities, labels, wrong = planted(10, 4_000, 3)
    found = suspects(probabilities, labels)
    first = wrong[[each.row for each in found[:100]]].mean()
    assert first > wrong[[each.row for each in found]].mean()
    assert first >= 0.9
    margins = [each.margin for each in found]
    assert margins == sorted(margins)
    assert max(margins) < 0


def test_the_order_of_images_and_classes_does_not_matter():
    probabilities, labels, _ = planted(10, 500, 6)
    rows, classes = (
        np.random.default_rng(3).permutation(500),
        np.random.default_rng(4).permutation(10),
    )
    again = suspects(probabilities[rows][:, classes], np.argsort(classes)[labels[rows]])
    first = suspects(probabilities, labels)
    assert {(int(rows[s.row]), int(classes[s.suggested])) for s in again} == {
        (s.row, s.suggested) for s in first
    }


def test_correct_labels_of_a_sure_network_are_not_suspected():
    probabilities, labels, wrong = planted(10, 1_000, 20)
    assert suspects(probabilities[~wrong], labels[~wrong]) == []


def test_without_images_there_are_no_suspects():
    assert suspects(np.zeros((0, 3)), np.zeros(0, np.int64)) == []
