"""Statistics of the predictions on a whole test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.intervals import Interval, share_of


def predicted_classes(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """The class with the largest logit in each row, int64 ``(n,)``; the first one of a tie."""
    return logits.argmax(axis=1)


def correct(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each prediction is the label, bool ``(n,)``."""
    return predicted_classes(logits) == labels


def confusion(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Counts by true class (row) and predicted class (column), int64 ``(classes, classes)``."""
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def balanced_accuracy(matrix: NDArray[np.int64]) -> float:
    """Mean recall over the classes that have images, as scikit-learn's balanced_accuracy_score.

    Args:
        matrix: counts by true class (row) and predicted class (column), ``(classes, classes)``.
    """
    counts = matrix.sum(axis=1)
    there = counts > 0
    return float((np.diag(matrix)[there] / counts[there]).mean())


class Pair(NamedTuple):
    """Number of images of one class that were predicted as another."""

    label: int
    predicted: int
    images: int


def confused_pairs(matrix: NDArray[np.int64], number: int) -> list[Pair]:
    """The most frequent confusions, largest first; ties in class order."""
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:number]
    places = zip(*np.unravel_index(order, wrong.shape), strict=True)
    pairs = [Pair(int(row), int(column), int(wrong[row, column])) for row, column in places]
    return [pair for pair in pairs if pair.images > 0]


#: What is said in place of a ratio that has no cases.
UNDEFINED = {
    "precision": "not predicted once",
    "recall": "no images",
    "f1": "no images, not predicted",
}


@dataclass(frozen=True)
class ClassResult:
    """Results for one class.

    Attributes:
        label: its number, from 0.
        name: name of the class.
        count: number of its test images.
        precision: share of the images predicted as this class that belong to it, with interval;
            None if none was.
        recall: share of its images that are predicted as it, with interval; None without images.
        f1: harmonic mean of precision and recall: correct predictions of the class over the mean
            of its images and its predictions; None if it has neither.
    """

    label: int
    name: str
    count: int
    precision: Interval | None
    recall: Interval | None
    f1: float | None


def class_results(matrix: NDArray[np.int64], names: tuple[str, ...]) -> list[ClassResult]:
    """Results for each class, in label order."""
    results = []
    for label, name in enumerate(names):
        hits, count = int(matrix[label, label]), int(matrix[label].sum())
        claimed = int(matrix[:, label].sum())
        f1 = 2 * hits / (count + claimed) if count + claimed else None
        precision, recall = share_of(hits, claimed), share_of(hits, count)
        results.append(ClassResult(label, name, count, precision, recall, f1))
    return results


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Row-wise softmax in float64 ``(n, classes)``, so that confident predictions stay below 1."""
    return np.exp(log_softmax(logits))


class Ranked(NamedTuple):
    """A class with its probability.

    Attributes:
        label: its number.
        name: of the class.
        probability: from 0 to 1; NaN if a logit of the image is not a finite number.
    """

    label: int
    name: str
    probability: float


def most_probable(
    logits: NDArray[np.float32], names: Sequence[str], count: int
) -> list[list[Ranked]]:
    """The most probable classes of each image, the first one first; ties in class order.

    Args:
        logits: float32 ``(n, classes)``.
        names: of the classes.
        count: how many to return, at most.
    """
    order = np.argsort(-logits, axis=1, kind="stable")[:, :count]
    shares = np.take_along_axis(softmax(logits), order, axis=1)
    return [
        [Ranked(label, names[label], share) for label, share in zip(*row, strict=True)]
        for row in zip(order.tolist(), shares.tolist(), strict=True)
    ]


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Row-wise log-softmax, computed in float64: float64 ``(n, classes)``."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def energies(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy of each image, ``-log(sum(exp(logits)))``: float64 ``(n,)``.

    It is higher for images unlike those in training (Liu et al. 2020, Energy-based
    Out-of-distribution Detection, https://arxiv.org/abs/2010.03759).
    """
    largest = logits.max(axis=1).astype(np.float64)
    shifted = logits.astype(np.float64) - largest[:, None]
    return -(largest + np.log(np.exp(shifted).sum(axis=1)))
