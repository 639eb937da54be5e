"""Learning rates that a range test's curve suggests, and how far several curves agree.

A curve is a learning rate and a smoothed loss a step, in order; a rule gives None where the curve
never falls.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

Rule = Literal["steepest", "valley", "minimum_over_ten"]

#: Steps at the start and the end of a curve that hold noise and divergence, as torch-lr-finder
#: and fastai leave them out of 100; at most so large a share of a shorter curve.
IGNORED = (10, 5)
LARGEST_SHARE = (1 / 3, 1 / 6)


def suggestions(
    learning_rates: Sequence[float], losses: Sequence[float]
) -> dict[Rule, float | None]:
    """The learning rate by each rule.

    Args:
        learning_rates: of each step, rising.
        losses: of each step, smoothed, finite.
    """
    return {rule: RULES[rule](learning_rates, losses) for rule in get_args(Rule)}


def steepest(learning_rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """Where the loss falls most a step, before it is least, both ends left out.

    The suggestion of torch-lr-finder (https://github.com/davidtvs/pytorch-lr-finder), from 30
    steps on, where the loss is least at the end; it leaves out as many of fewer, and also takes
    a fall after the loss has grown, where nothing is learned any more.
    """
    inner = _inner(losses)
    if len(inner) < 2:
        return None
    slopes = np.gradient(np.asarray(losses)[inner.start : inner.stop])
    where = int(slopes.argmin())
    return learning_rates[inner[where]] if slopes[where] < 0 else None


def valley(learning_rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The middle of the longest valley before the loss is least, both ends left out.

    The valley ends where the longest falling subsequence of the losses does, and is as many steps
    long as that has members: fastai's rule (https://docs.fast.ai/callback.schedule.html).
    """
    inner = _inner(losses)
    lengths = _falling([losses[step] for step in inner])
    longest = max(lengths, default=1)
    if longest < 2:
        return None
    end = lengths.index(longest)
    third = longest / 3
    # Its middle as fastai rounds it: a third of the way, and half a third.
    return learning_rates[inner[max(end - longest + int(third) + int(third / 2), 0)]]


def minimum_over_ten(learning_rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """A tenth of where the loss is least."""
    if not losses:
        return None
    least = int(np.argmin(losses))
    return learning_rates[least] / 10 if least > 0 else None


RULES: dict[Rule, Callable[[Sequence[float], Sequence[float]], float | None]] = {
    "steepest": steepest,
    "valley": valley,
    "minimum_over_ten": minimum_over_ten,
}


class Spread(NamedTuple):
    """How several suggestions of one rule lie: the middle one, the ends, and of how many seeds."""

    median: float
    lowest: float
    highest: float
    seeds: int


def spread(values: Sequence[float | None]) -> Spread | None:
    """Over those that are there; of two in the middle, their geometric mean. None without any."""
    found = sorted(value for value in values if value is not None)
    if not found:
        return None
    low, high = found[(len(found) - 1) // 2], found[len(found) // 2]
    median = low if low == high else math.sqrt(low * high)
    return Spread(median, found[0], found[-1], len(found))


def _inner(losses: Sequence[float]) -> range:
    """The steps that a rule looks at: up to the least loss, without noise at either end."""
    steps = len(losses)
    first, last = (
        min(most, int(share * steps)) for most, share in zip(IGNORED, LARGEST_SHARE, strict=True)
    )
    least = int(np.argmin(losses)) if steps else 0
    return range(min(first, least), min(steps - last, least + 1))


def _falling(losses: Sequence[float]) -> list[int]:
    """For each loss, the length of the longest strictly falling subsequence that ends with it."""
    # ends[k]: the greatest loss, its sign turned, that such a subsequence of k + 1 can end with.
    ends: list[float] = []
    lengths = []
    for loss in losses:
        place = bisect_left(ends, -loss)
        ends[place : place + 1] = [-loss]
        lengths.append(place + 1)
    return lengths
