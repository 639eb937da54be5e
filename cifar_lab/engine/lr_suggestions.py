"""Suggested learning rates from range-test curves, and the spread over several curves.

A curve has a learning rate and a smoothed loss for each step, in order; a rule returns None if the
loss never falls.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

Rule = Literal["steepest", "valley", "minimum_over_ten"]
#: An end of the range of learning rates that a test tries.
Edge = Literal["lower", "upper"]

#: Steps to ignore at the start (noise) and the end (divergence) of a curve: what torch-lr-finder
#: and fastai ignore of 100 steps; LARGEST_SHARE limits them on a shorter curve.
IGNORED = (10, 5)
LARGEST_SHARE = (1 / 3, 1 / 6)


def suggestions(
    learning_rates: Sequence[float], losses: Sequence[float]
) -> dict[Rule, float | None]:
    """The learning rate suggested by each rule.

    Args:
        learning_rates: learning rate of each step, increasing.
        losses: smoothed, finite loss of each step.
    """
    return {rule: RULES[rule](learning_rates, losses) for rule in get_args(Rule)}


def steepest(learning_rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The steepest descent of the loss before its minimum, ignoring both ends of the curve.

    Equals the suggestion of torch-lr-finder (https://github.com/davidtvs/pytorch-lr-finder) for 30
    steps or more if the minimum is at the end. torch-lr-finder ignores as many steps of shorter
    curves, and also accepts a descent after the loss has risen, where nothing is learned.
    """
    inner = _inner(losses)
    if len(inner) < 2:
        return None
    slopes = np.gradient(np.asarray(losses)[inner.start : inner.stop])
    where = int(slopes.argmin())
    return learning_rates[inner[where]] if slopes[where] < 0 else None


def valley(learning_rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """The middle of the longest valley before the minimum, ignoring both ends of the curve.

    The valley ends where the longest decreasing subsequence of the losses ends, and is as long as
    that subsequence: fastai's rule (https://docs.fast.ai/callback.schedule.html).
    """
    inner = _inner(losses)
    lengths = _falling([losses[step] for step in inner])
    longest = max(lengths, default=1)
    if longest < 2:
        return None
    end = lengths.index(longest)
    third = longest / 3
    # The middle as fastai rounds it: a third plus half a third.
    return learning_rates[inner[max(end - longest + int(third) + int(third / 2), 0)]]


def minimum_over_ten(learning_rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """A tenth of the learning rate with the lowest loss."""
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
    """The spread of one rule's suggestions: median, lowest, highest, and the number of seeds."""

    median: float
    lowest: float
    highest: float
    seeds: int


def spread(values: Sequence[float | None]) -> Spread | None:
    """The spread of the values that are not None, with a geometric median; None if all are None."""
    found = sorted(value for value in values if value is not None)
    if not found:
        return None
    low, high = found[(len(found) - 1) // 2], found[len(found) // 2]
    median = low if low == high else math.sqrt(low * high)
    return Spread(median, found[0], found[-1], len(found))


def at_edge(
    rule: Rule, learning_rates: Sequence[float], losses: Sequence[float], whole: bool
) -> Edge | None:
    """The end of the tested range that a rule's suggestion is at; None if it is at neither.

    A better learning rate may lie beyond that end. A suggestion is at an end if the step that it is
    derived from is the first or the last one that rules consider, or lies outside these; at the
    upper end, only if the test reached it.

    Args:
        rule: that makes the suggestion.
        learning_rates: learning rate of each step, increasing.
        losses: smoothed, finite loss of each step.
        whole: whether the test reached the end of its range.
    """
    suggested = RULES[rule](learning_rates, losses)
    if suggested is None:
        return None
    step = bisect_left(learning_rates, suggested)
    if rule == "minimum_over_ten":
        step = int(np.argmin(losses))
    first, last = _ignored(len(losses))
    if step <= first:
        return "lower"
    return "upper" if whole and step >= len(losses) - 1 - last else None


def _ignored(steps: int) -> tuple[int, int]:
    """How many steps are ignored at the start and at the end of a curve."""
    first, last = (
        min(most, int(share * steps)) for most, share in zip(IGNORED, LARGEST_SHARE, strict=True)
    )
    return first, last


def _inner(losses: Sequence[float]) -> range:
    """The steps that a rule considers: up to the minimum, without the ignored ends."""
    steps = len(losses)
    first, last = _ignored(steps)
    least = int(np.argmin(losses)) if steps else 0
    return range(min(first, least), min(steps - last, least + 1))


def _falling(losses: Sequence[float]) -> list[int]:
    """For each loss, the length of the longest strictly decreasing subsequence ending with it."""
    # ends[k]: the largest loss (negated) that such a subsequence of length k + 1 can end with.
    ends: list[float] = []
    lengths = []
    for loss in losses:
        place = bisect_left(ends, -loss)
        ends[place : place + 1] = [-loss]
        lengths.append(place + 1)
    return lengths
