"""The criterion compared with its explicit formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from cifar_lab.optim.criteria import cross_entropy

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


def loss(smoothing: float) -> float:
    criterion = cross_entropy(label_smoothing=smoothing)
    return criterion(torch.from_numpy(LOGITS), torch.from_numpy(LABELS)).item()
