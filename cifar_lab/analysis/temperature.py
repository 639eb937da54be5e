"""Temperature scaling: the one divisor of all logits that makes confidence fit best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from cifar_lab.analysis.predictions import log_softmax

#: Smallest and largest temperature that is looked for.
LOWEST, HIGHEST = 1e-3, 1e3


@dataclass(frozen=True)
class Temperature:
    """A fitted temperature.

    Attributes:
        value: the divisor of the logits; an end of the search range if the loss still falls there.
        inside: whether the loss has its minimum inside the search range.
    """

    value: float
    inside: bool


def fitted_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Temperature:
    """The temperature that minimises the negative log-likelihood of the labels.

    Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599,
    section 4.2. The loss is convex in 1/T, so that its minimum is where its derivative is 0. There
    is none if every label has the largest logit (the loss falls for ever as T falls to 0), or if
    the logits tell less than nothing about the labels (it falls as T grows).

    Args:
        logits: finite, float32 ``(n, classes)``, of images on which the result is not judged.
        labels: true classes, int64 ``(n,)``.
    """
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=1, keepdims=True)
    of_labels = exact[np.arange(len(labels)), labels]

    def slope(log_temperature: float) -> float:
        """Derivative of the loss with respect to 1/T."""
        shares = np.exp(log_softmax(exact / math.exp(log_temperature)))
        return float(((shares * exact).sum(axis=1) - of_labels).mean())

    low, high = math.log(LOWEST), math.log(HIGHEST)
    if slope(low) <= 0:
        return Temperature(LOWEST, inside=False)
    if slope(high) >= 0:
        return Temperature(HIGHEST, inside=False)
    return Temperature(math.exp(brentq(slope, low, high, xtol=1e-10)), inside=True)
