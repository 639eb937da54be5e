"""Training criteria: map logits ``(batch, classes)`` and labels ``(batch,)`` to a mean loss."""

from __future__ import annotations

from torch import nn

from cifar_lab.bounds import Fraction


def cross_entropy(label_smoothing: Fraction) -> nn.CrossEntropyLoss:
    """Cross entropy in nats; label smoothing spreads that share of the target over all classes."""
    return nn.CrossEntropyLoss(label_smoothing=label_smoothing)
