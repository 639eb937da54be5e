"""The scores compared with scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, top_k_accuracy_score

from cifar_lab.analysis.predictions import confusion, predicted_classes, softmax
from cifar_lab.analysis.scores import macro_f1, negative_log_likelihood, top_accuracy


def drawn(classes: int, images: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels; the last class has neither images nor predictions."""
    generator = np.random.default_rng(classes)
    labels = generator.integers(0, classes - 1, images)
    logits = generator.normal(size=(images, classes)).astype(np.float32)
    logits[np.arange(images), labels] += 1
    logits[:, -1] = -9
    return logits, labels


@pytest.mark.parametrize("classes", [3, 10, 100])
def test_they_are_those_of_scikit_learn(classes):
    logits, labels = drawn(classes)
    predicted = predicted_classes(logits)
    matrix = confusion(labels, predicted, classes)
    assert macro_f1(matrix) == pytest.approx(f1_score(labels, predicted, average="macro"))
    numbers = np.arange(classes)
    for most in (1, 2):
        theirs = top_k_accuracy_score(labels, logits, k=most, labels=numbers)
        assert top_accuracy(logits, labels, most) == pytest.approx(theirs)
    theirs = log_loss(labels, softmax(logits), labels=numbers)
    assert negative_log_likelihood(logits, labels) == pytest.approx(theirs)


def test_of_equal_logits_the_first_classes_count():
    logits, labels = np.zeros((3, 4), np.float32), np.asarray([0, 1, 2])
    assert top_accuracy(logits, labels, 2) == pytest.approx(2 / 3)
    assert negative_log_likelihood(logits, labels) == pytest.approx(math.log(4))
