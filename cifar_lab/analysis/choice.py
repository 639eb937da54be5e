"""Which of two validated results is the better one: the one rule for epochs and for runs."""

from __future__ import annotations

import math
from typing import NamedTuple

#: The rule in words, as summaries and reports give it.
RULE = "the best by validation accuracy, and of equal ones the one with the lowest validation loss"


class Validated(NamedTuple):
    """A result on validation images.

    Attributes:
        accuracy: in 0 … 1.
        loss: mean over images, in nats; NaN if it was not finite.
    """

    accuracy: float
    loss: float


def is_better(one: Validated, other: Validated) -> bool:
    """Whether one result is better: a higher accuracy or, at the same accuracy, a lower loss.

    Equal results are not better, so that the earlier one is kept. A loss that is NaN counts as
    infinite.
    """
    return goodness(one) > goodness(other)


def goodness(result: Validated) -> tuple[float, float]:
    """Return a key to sort by: that of the better result is greater."""
    return result.accuracy, -math.inf if math.isnan(result.loss) else -result.loss
