"""Temperature scaling against logits of known temperature, a closed formula and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from cifar_lab.analysis.predictions import correct, softmax
from cifar_lab.analysis.scores import negative_log_likelihood
from cifar_lab.analysis.temperature import HIGHEST, LOWEST, fitted_temperature


def drawn(number: int = 40_000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated logits: each label is drawn with the probabilities that they state."""
    generator = np.random.default_rng(3)
    logits = generator.normal(scale=1.5, size=(number, classes))
    edges = softmax(logits).cumsum(axis=1)
    labels = (generator.random((number, 1)) > edges).sum(axis=1).clip(0, classes - 1)
    return logits.astype(np.float32), labels


@pytest.mark.parametrize("times", [0.25, 1, 3])
def test_the_temperature_of_calibrated_logits_is_what_they_were_multiplied_by(times):
    logits, labels = drawn()
    found = fitted_temperature((times * logits).astype(np.float32), labels)
    assert found.inside
    assert found.value == pytest.approx(times, rel=0.03)


def test_two_equal_logits_have_a_closed_formula():
    # A margin of 2 with 3 of 4 correct: sigmoid(2 / T) = 3/4, so T = 2 / log 3.
    logits = np.asarray([[2, 0]] * 4, np.float32)
    found = fitted_temperature(logits, np.asarray([0, 0, 0, 1]))
    assert found.value == pytest.approx(2 / math.log(3), rel=1e-9)


def test_no_other_temperature_has_a_lower_loss():
    logits, labels = drawn(500)
    found = fitted_temperature(4 * logits, labels)

    def loss(log_temperature: float) -> float:
        return log_loss(labels, softmax(4 * logits / math.exp(log_temperature)), labels=range(5))

    other = minimize_scalar(loss, bounds=(-3, 5), method="bounded", options={"xatol": 1e-9})
    assert math.log(found.value) == pytest.approx(other.x, abs=1e-5)
    after = negative_log_likelihood(4 * logits / found.value, labels)
    assert after == pytest.approx(other.fun)
    assert after < negative_log_likelihood(4 * logits, labels)
    assert (correct(4 * logits / found.value, labels) == correct(logits, labels)).all()


def test_where_all_are_right_the_loss_falls_for_ever():
    logits = np.asarray([[3, 0, 1], [0, 9, 2]], np.float32)
    found = fitted_temperature(logits, np.asarray([0, 1]))
    assert (found.value, found.inside) == (LOWEST, False)


@pytest.mark.parametrize("logits", [[[3, 0], [0, 3]], [[0, 0], [0, 0]]])
def test_logits_that_tell_nothing_or_less_have_no_temperature(logits):
    found = fitted_temperature(np.asarray(logits, np.float32), np.asarray([1, 0]))
    assert found.value in (LOWEST, HIGHEST)
    assert not found.inside
