"""Signs that something is off in a run: pure functions of its curves and predictions.

Each has thresholds that ordinary runs stay below, and returns None where there is no sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.confidence import calibration

#: Share of the epochs, at least one, that count as the end of training.
END = 1 / 20
#: Smallest rise of the validation accuracy at the end, as a share of images, that is a sign. Less
#: is within the run-to-run deviation of small-image classifiers.
RISE = 0.01
#: Likewise where the learning rate was annealed, so that the accuracy always rises at the end: by 3
#: points in the last epoch of recorded one-cycle runs of 6 to 24 epochs.
ANNEALED_RISE = 0.10
#: Training accuracy minus held-out accuracy from which on a run counts as overfitted. CIFAR-10
#: networks that fit all training images are 4 to 8 points apart.
GAP = 0.10
#: How many standard errors a difference of accuracies must exceed.
ERRORS = 2.0
#: Expected calibration error from which on confidence counts as wrong, if chance does not explain
#: it. Uncalibrated CIFAR-10 networks have 3 to 5 % (Guo et al. 2017, table 1).
MISCALIBRATED = 0.05
#: Draws, and the quantile of their calibration errors that chance explains.
DRAWS, QUANTILE = 200, 0.99
#: Fewest images of a class for never predicting it to be a sign: of a class that is recognised half
#: of the time, five images in a row are missed in 3 % of cases.
IMAGES = 5


class Rise(NamedTuple):
    """How far the best accuracy rose at the end.

    Attributes:
        accuracy: the best at the end, 0 to 1.
        before: the best before it, 0 to 1.
        epochs: number of epochs that count as the end.
    """

    accuracy: float
    before: float
    epochs: int


def rise_at_end(accuracies: Sequence[float], images: int | None, annealed: bool) -> Rise | None:
    """Whether the accuracy was still rising when training ended.

    Args:
        accuracies: after each epoch, 0 to 1.
        images: number of images that they are measured on; None if unknown.
        annealed: whether the learning rate had fallen to a small part of its maximum.
    """
    epochs = max(1, int(len(accuracies) * END))
    if len(accuracies) <= epochs or not all(map(math.isfinite, accuracies)):
        return None
    rise = Rise(max(accuracies[-epochs:]), max(accuracies[:-epochs]), epochs)
    difference = rise.accuracy - rise.before
    least = max(ANNEALED_RISE if annealed else RISE, _noise(rise.accuracy, images))
    return rise if difference >= least else None


def far_apart(train: float, held_out: float, images: int | None) -> bool:
    """Whether the accuracy on held-out images is far below that in training.

    Args:
        train: training accuracy, 0 to 1.
        held_out: accuracy on held-out images, 0 to 1.
        images: number of held-out images; None if unknown.
    """
    return train - held_out >= max(GAP, _noise(held_out, images))


def error_by_chance(confidence: NDArray[np.float64]) -> float:
    """The calibration error that sampling noise alone explains at most, for these confidences.

    Draws outcomes as a perfectly calibrated model with the same confidences would have them, and
    takes the 99 % quantile of their expected calibration errors: consistency resampling
    (Vaicenavicius et al. 2019, https://arxiv.org/abs/1902.06977).

    Args:
        confidence: probability of the predicted class in 0 … 1, float64 ``(n,)``.
    """
    generator = np.random.default_rng(0)
    drawn = (generator.random(len(confidence)) < confidence for _ in range(DRAWS))
    return float(np.quantile([calibration(confidence, right).error for right in drawn], QUANTILE))


def miscalibrated(error: float, by_chance: float) -> bool:
    """Whether a calibration error is large, and larger than sampling noise explains."""
    return error >= MISCALIBRATED and error > by_chance


def never_predicted(matrix: NDArray[np.int64]) -> list[int]:
    """Classes that were not predicted once although several of the images belong to them.

    Args:
        matrix: counts by true class (row) and predicted class (column), ``(classes, classes)``.
    """
    unclaimed, counts = matrix.sum(axis=0) == 0, matrix.sum(axis=1)
    return [int(label) for label in np.flatnonzero(unclaimed & (counts >= IMAGES))]


def _noise(accuracy: float, images: int | None) -> float:
    """The difference that an accuracy's sampling error explains."""
    return ERRORS * math.sqrt(accuracy * (1 - accuracy) / images) if images else 0.0
