"""The misclassified images that a report shows, and why these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: How :func:`most_confident_errors` chooses, as the report states it.
RULE = "of all test images, those whose wrong class was given the highest probability"


@dataclass(frozen=True)
class Misclassified:
    """One wrong prediction.

    Attributes:
        row: of the test arrays.
        label: the true class.
        predicted: the class with the largest logit.
        predicted_probability: softmax probability of the predicted class.
        true_probability: softmax probability of the true class.
    """

    row: int
    label: int
    predicted: int
    predicted_probability: float
    true_probability: float


def most_confident_errors(
    logits: NDArray[np.float32], labels: NDArray[np.int64], number: int
) -> list[Misclassified]:
    """Chooses from all test images; ties keep the order of the rows.

    Args:
        logits: float32 ``(n, classes)``.
        labels: int64 ``(n,)``.
        number: how many at most.
    """
    probabilities = softmax(logits)
    predicted = logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong, predicted[wrong]]
    chosen = wrong[np.argsort(-confidence, kind="stable")][:number]
    return [
        Misclassified(
            row=int(row),
            label=int(labels[row]),
            predicted=int(predicted[row]),
            predicted_probability=float(probabilities[row, predicted[row]]),
            true_probability=float(probabilities[row, labels[row]]),
        )
        for row in chosen
    ]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Row-wise, in float64, so that confident predictions do not all become 1."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=1, keepdims=True)
