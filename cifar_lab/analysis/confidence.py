"""Calibration of predictions: how well confidence matches accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Bins of equal width for the reliability diagram and the expected calibration error.
BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy by bins of confidence.

    Attributes:
        edges: edges of the bins from 0 to 1, float64 ``(bins + 1,)``.
        counts: number of images in ``(edge, next edge]``, int64 ``(bins,)``.
        confidence: mean probability of the predicted class, float64 ``(bins,)``; NaN if empty.
        accuracy: accuracy in each bin, float64 ``(bins,)``; NaN if empty.
        error: expected calibration error: |accuracy - confidence| of each image's bin, averaged
            over images (https://arxiv.org/abs/1706.04599).
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    error: float


def calibration(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Bin images by the probability of their predicted class.

    Args:
        confidence: probability of the predicted class in 0 … 1, float64 ``(n,)``.
        right: whether the prediction is correct, bool ``(n,)``.
    """
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.clip(np.ceil(np.nan_to_num(confidence) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sums = [np.bincount(bins, weights=values, minlength=BINS) for values in (confidence, right)]
    with np.errstate(invalid="ignore"):
        means = [total / counts for total in sums]
    error = float(np.abs(sums[1] - sums[0]).sum() / len(confidence))
    return Calibration(edges, counts, means[0], means[1], error)


def coverage(
    confidence: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy on the most confident images, for every share of images kept.

    Returns:
        Shares kept and accuracies, both float64 ``(n,)``; the last entry is the whole set.
    """
    order = np.argsort(-confidence, kind="stable")
    kept = np.arange(1, len(order) + 1)
    return kept / len(order), np.cumsum(right[order]) / kept
