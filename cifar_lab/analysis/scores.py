"""Single numbers for the predictions on a whole split, beside their accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import log_softmax


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """Mean F1 over the classes with images or predictions, as scikit-learn's f1_score has it.

    Args:
        matrix: counts by true class (row) and predicted class (column), ``(classes, classes)``.
    """
    sizes = matrix.sum(axis=1) + matrix.sum(axis=0)
    there = sizes > 0
    return float((2 * np.diag(matrix)[there] / sizes[there]).mean())


def top_accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64], most: int) -> float:
    """Share of images whose class is among the ``most`` most probable ones; ties in class order.

    Args:
        logits: float32 ``(n, classes)``.
        labels: true classes, int64 ``(n,)``.
        most: how many classes count.
    """
    first = np.argsort(-logits, axis=1, kind="stable")[:, :most]
    return float((first == labels[:, None]).any(axis=1).mean())


def negative_log_likelihood(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Mean over images of the negative logarithm of the true class's probability, in nats.

    Args:
        logits: floating point ``(n, classes)``.
        labels: true classes, int64 ``(n,)``.
    """
    return -float(np.take_along_axis(log_softmax(logits), labels[:, None], axis=1).mean())
