"""Training criteria: map logits ``(batch, classes)`` and labels ``(batch,)`` to a mean loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from cifar_lab.bounds import Fraction, PositiveFloat


def cross_entropy(
    label_smoothing: Fraction, class_weights: Sequence[PositiveFloat] | None
) -> nn.CrossEntropyLoss:
    """Cross entropy in nats.

    Args:
        label_smoothing: share of each label that is spread evenly over all classes.
        class_weights: one number for each class. The loss of a batch is then the weighted mean, as
            torch defines it: the sum of the weighted losses over the sum of the labels' weights.
            For mixed images, the weighted mean is taken for each of the two labels. None weights
            all classes alike.
    """
    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float32)
    return nn.CrossEntropyLoss(weight, label_smoothing=label_smoothing)


def balanced_weights(counts: Sequence[int]) -> list[float]:
    """Weight each class by ``n / (classes * count)``, so that all contribute alike.

    The same as scikit-learn's ``compute_class_weight("balanced")``.

    Args:
        counts: training images of each class, ``n`` in all.

    Raises:
        ValueError: a class has no images.
    """
    if not all(counts):
        raise ValueError(
            f"class_weights=balanced needs training images of every class, but class "
            f"{list(counts).index(0)} has none; give one number for each class"
        )
    return [sum(counts) / (len(counts) * count) for count in counts]
