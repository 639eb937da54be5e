"""The criterion compared with its explicit formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from cifar_lab.optim.criteria import balanced_weights, cross_entropy

LOGITS = np.random.default_rng(0).normal(0, 3, (12, 5))
LABELS = np.random.default_rng(1).integers(0, 5, 12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.2, 0.9])
def test_smoothing_spreads_its_share_evenly_over_all_classes(smoothing):
    log_probabilities = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    target = np.full((12, 5), smoothing / 5)
    target[np.arange(12), LABELS] += 1 - smoothing
    expected = -(target * log_probabilities).sum(axis=1).mean()
    assert loss(smoothing) == pytest.approx(expected, rel=1e-12)


def test_without_smoothing_it_is_the_mean_log_loss_in_nats():
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    assert loss(0.0) == pytest.approx(log_loss(LABELS, probabilities, labels=range(5)), rel=1e-12)


def test_class_weights_make_a_weighted_mean():
    weights = np.array([1.0, 2.0, 0.5, 3.0, 1.5])
    log_probabilities = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    each = -log_probabilities[np.arange(12), LABELS]
    expected = (weights[LABELS] * each).sum() / weights[LABELS].sum()
    criterion = cross_entropy(0.0, weights.tolist())
    found = criterion(torch.from_numpy(LOGITS).float(), torch.from_numpy(LABELS))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_balanced_weights_are_those_of_scikit_learn():
    expected = compute_class_weight("balanced", classes=np.arange(5), y=LABELS)
    assert balanced_weights(np.bincount(LABELS).tolist()) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="class 1 has none"):
        balanced_weights([3, 0, 2])


def loss(smoothing: float) -> float:
    criterion = cross_entropy(label_smoothing=smoothing, class_weights=None)
    return criterion(torch.from_numpy(LOGITS), torch.from_numpy(LABELS)).item()
