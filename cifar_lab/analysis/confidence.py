"""Calibration of predictions: how well confidence matches accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.intervals import Interval, share_of

#: Bins of equal width for the reliability diagram and the expected calibration error.
BINS = 15


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy by bins of confidence.

    Attributes:
        edges: edges of the bins from 0 to 1, float64 ``(bins + 1,)``.
        counts: number of images in ``(edge, next edge]``, int64 ``(bins,)``.
        hits: number of them that are classified correctly, int64 ``(bins,)``.
        confidence: mean probability of the predicted class, float64 ``(bins,)``; NaN if empty.
        error: expected calibration error: |accuracy - confidence| of each image's bin, averaged
            over images (Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3).
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    hits: NDArray[np.int64]
    confidence: NDArray[np.float64]
    error: float

    @property
    def accuracies(self) -> list[Interval | None]:
        """Accuracy in each bin with Wilson's interval; None if the bin is empty."""
        return [share_of(int(hits), int(count)) for hits, count in zip(self.hits, self.counts,
                                                                       strict=True)]  # fmt: skip


def calibration(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Calibration:
    """Bin images by the probability of their predicted class.

    Args:
        confidence: probability of the predicted class in 0 … 1, float64 ``(n,)``.
        right: whether the prediction is correct, bool ``(n,)``.
    """
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.clip(np.ceil(np.nan_to_num(confidence) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    hits = np.bincount(bins[right], minlength=BINS)
    total = np.bincount(bins, weights=confidence, minlength=BINS)
    with np.errstate(invalid="ignore"):
        mean = total / counts
    error = float(np.abs(hits - total).sum() / len(confidence))
    return Calibration(edges, counts, hits, mean, error)
