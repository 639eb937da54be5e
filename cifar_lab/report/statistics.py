"""What predictions of a whole test set say, as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Of every interval in a report.
CONFIDENCE = 0.95
#: Bins of equal width for the reliability diagram and the expected calibration error.
BINS = 15


class Interval(NamedTuple):
    """A share with its bounds, each in 0 … 1."""

    share: float
    low: float
    high: float


def wilson(hits: int, count: int) -> Interval:
    """A share of independent cases with Wilson's score interval (1927) at ``CONFIDENCE``.

    Unlike the usual ± of a normal distribution it holds for shares near 0 and 1 and small counts.
    Without any case the share is 0, and anything between 0 and 1 is possible.
    """
    if count == 0:
        return Interval(0.0, 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    # The bounds of no and of only hits are 0 and 1; rounding may miss them by a last bit.
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == count else middle + half
    return Interval(share, low, high)


def confusion(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Images by true class (row) and predicted class (column), int64 ``(classes, classes)``."""
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


class Pair(NamedTuple):
    """Images of one class that were taken for another."""

    label: int
    predicted: int
    images: int


def confused_pairs(matrix: NDArray[np.int64], number: int) -> list[Pair]:
    """The most frequent confusions, largest first; ties in the order of the classes."""
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:number]
    places = zip(*np.unravel_index(order, wrong.shape), strict=True)
    pairs = [Pair(int(row), int(column), int(wrong[row, column])) for row, column in places]
    return [pair for pair in pairs if pair.images > 0]


@dataclass(frozen=True)
class ClassResult:
    """How one class fared.

    Attributes:
        name: of the class.
        count: of its test images.
        precision: of the images taken for it, the share that are; with its interval.
        recall: of its images, the share taken for it; with its interval.
        f1: harmonic mean of both; 0 where both are.
    """

    name: str
    count: int
    precision: Interval
    recall: Interval
    f1: float


def class_results(matrix: NDArray[np.int64], names: tuple[str, ...]) -> list[ClassResult]:
    """Each class, in the order of the labels."""
    results = []
    for label, name in enumerate(names):
        hits, count = int(matrix[label, label]), int(matrix[label].sum())
        claimed = int(matrix[:, label].sum())
        f1 = 2 * hits / (count + claimed) if count + claimed else 0.0
        results.append(ClassResult(name, count, wilson(hits, claimed), wilson(hits, count), f1))
    return results


@dataclass(frozen=True)
class Calibration:
    """How far confidence can be believed, by bins of confidence.

    Attributes:
        edges: float64 ``(bins + 1,)``, from 0 to 1.
        counts: int64 ``(bins,)``, images in ``(edge, next edge]``.
        confidence: float64 ``(bins,)``, mean probability of the predicted class; NaN where empty.
        accuracy: float64 ``(bins,)``, likewise.
        error: expected calibration error, the mean over images of |accuracy - confidence| of their
            bin (https://arxiv.org/abs/1706.04599).
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    error: float


def calibration(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Bins images by the probability of their predicted class.

    Args:
        confidence: float64 ``(n,)``, in 0 … 1.
        right: bool ``(n,)``.
    """
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sums = [np.bincount(bins, weights=values, minlength=BINS) for values in (confidence, right)]
    with np.errstate(invalid="ignore"):
        means = [total / counts for total in sums]
    error = float(np.abs(sums[1] - sums[0]).sum() / len(confidence))
    return Calibration(edges, counts, means[0], means[1], error)


def coverage(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy among the most confident images, for every share of them that is kept.

    Returns:
        Shares kept and accuracies, both float64 ``(n,)``; the last is the whole set.
    """
    order = np.argsort(-confidence, kind="stable")
    kept = np.arange(1, len(order) + 1)
    return kept / len(order), np.cumsum(right[order]) / kept
