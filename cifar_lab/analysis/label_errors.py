"""Suspected label errors by confident learning.

Source: Northcutt, Jiang & Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset
Labels, https://arxiv.org/abs/1911.00068, equations 1 and 2, pruning by noise rate and ranking by
normalised margin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Images that are all alike reach the threshold that is their mean.
ROUNDING = 1e-9


class Suspect(NamedTuple):
    """An image whose label may be wrong.

    Attributes:
        row: of the image.
        label: the given one.
        suggested: the class that it may be of.
        given_probability: probability of the given label.
        probability: probability of the suggested class.
    """

    row: int
    label: int
    suggested: int
    given_probability: float
    probability: float

    @property
    def margin(self) -> float:
        """Probability of the given label minus that of the suggested class; ranks from -1."""
        return self.given_probability - self.probability


def thresholds(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean probability of each class among the images with its label, float64 ``(classes,)``.

    That of a class without images is infinite: nothing counts as one of it.
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=own, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def confident_classes(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The most probable of the classes whose threshold each image reaches, int64 ``(n,)``.

    It is -1 where an image reaches none, and is therefore not counted.
    """
    reached = probabilities >= thresholds(probabilities, labels) - ROUNDING
    best = np.where(reached, probabilities, -1).argmax(axis=1)
    return np.where(reached.any(axis=1), best, -1)


def confident_joint(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Images by given label (row) and confident class (column), int64 ``(classes, classes)``."""
    found, classes = confident_classes(probabilities, labels), probabilities.shape[1]
    counted = found >= 0
    cells = labels[counted] * classes + found[counted]
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def suspects(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> list[Suspect]:
    """The images off the diagonal of the confident joint, the lowest normalised margin first.

    Those whose given label is as probable as the other class are left out: only the thresholds
    speak against them.

    Args:
        probabilities: float64 ``(n, classes)``, of images that the network was not trained on.
        labels: int64 ``(n,)``, as given.
    """
    found = confident_classes(probabilities, labels)
    rows = np.flatnonzero((found >= 0) & (found != labels))
    given, other = probabilities[rows, labels[rows]], probabilities[rows, found[rows]]
    order = np.lexsort((rows, given - other))[: int((given < other).sum())]
    return [
        Suspect(int(rows[n]), int(labels[rows[n]]), int(found[rows[n]]), given[n], other[n])
        for n in map(int, order)
    ]
