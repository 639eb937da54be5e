"""How far trainings differ beyond their predictions' chance, and what other images would say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.intervals import CONFIDENCE


@dataclass(frozen=True)
class OtherImages:
    """A difference in accuracy between two recipes as other images of the same kind would show it.

    Attributes:
        difference: accuracy of the first minus that of the second, in -1 … 1.
        error: its standard error.
        low: lower bound of its interval.
        high: upper bound.
    """

    difference: float
    error: float
    low: float
    high: float


def excess_variance(correct: NDArray[np.bool_]) -> float:
    """Estimate the variance of the error rate between seeds in excess of binomial.

    If a network's errors on different images were independent of each other, the error rate would
    vary between seeds as a mean of independent draws. What it varies beyond that shows that
    networks of some seeds are better on all images (https://arxiv.org/abs/2304.01910).

    The estimate is unbiased and therefore negative in about half of all cases where there is no
    such variance; it is returned as it is.

    Args:
        correct: whether each prediction is correct, bool ``(seeds, images)``, at least two of each.

    Returns:
        The variance in squared shares.

    Raises:
        ValueError: there are fewer than two seeds or two images.
    """
    seeds, images = correct.shape
    if seeds < 2 or images < 2:
        raise ValueError(f"at least two seeds and two images are needed, got {seeds} and {images}")
    share = correct.mean(axis=0)  # (images,)
    binomial = (share * (1 - share)).sum() * seeds / (seeds - 1) / images**2
    between = (1 - correct.mean(axis=1)).var(ddof=1)
    return float(images / (images - 1) * (between - binomial))


def other_images(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> OtherImages | None:
    """Compare two recipes as far as both images and seeds are samples.

    The squared standard error is that of a mean over images, plus the excess variance of the seeds
    (https://arxiv.org/abs/2512.21326). The latter is pooled over both recipes by their degrees of
    freedom, and a negative estimate counts as 0. The interval is normal, at ``CONFIDENCE``.

    Args:
        a: whether each prediction of the first is correct, bool ``(seeds, images)``.
        b: likewise of the second, for the same images; the number of seeds may differ.

    Returns:
        The difference, or None if one of them ran with a single seed.

    Raises:
        ValueError: they have different numbers of images, or fewer than two.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"both must be of the same images, got {a.shape[1]} and {b.shape[1]}")
    if min(len(a), len(b)) < 2:
        return None
    each = a.mean(axis=0) - b.mean(axis=0)  # (images,)
    shared = _pooled_excess(a, b) * (1 / len(a) + 1 / len(b))
    error = math.sqrt(float(each.var(ddof=1)) / len(each) + shared)
    difference = float(each.mean())
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * error
    return OtherImages(difference, error, difference - reach, difference + reach)


def _pooled_excess(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    freedom = [len(a) - 1, len(b) - 1]
    return max(0.0, float(np.average([excess_variance(a), excess_variance(b)], weights=freedom)))
