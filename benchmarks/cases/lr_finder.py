"""The learning-rate finder beside the torch-lr-finder package."""

from __future__ import annotations

import functools

import numpy as np

from benchmarks import ours, peers
from benchmarks.cases.training_step import experiment, plain_copy, random_batches
from benchmarks.measure import (
    Case,
    Result,
    Settings,
    Target,
    assert_close,
    assert_same,
    compare,
    timed,
)

BATCH_SIZE = 128
START_LR, END_LR = 1e-5, 0.1
#: Neither side stops early.
DIVERGENCE = 1e9
#: Steps whose curves are compared first. Rates are small there: later on, the last digits of the
#: first steps have grown, as they do between any two ways to add up.
COMPARED, COMPARED_END_LR = 10, 1e-3
#: Largest difference of smoothed losses, relative to the largest: float32 adds up in another
#: order, bfloat16 rounds another way in another memory format.
TOLERANCE = {"float32": 1e-3, "bfloat16": 1e-2}


def run(settings: Settings, precision: str) -> Result:
    """Asserts equal curves of a few steps, then times whole range tests in turn."""
    peer = peers.load("lr_finder_peer")
    size, steps = settings.size(BATCH_SIZE, 16), settings.size(100, 12)
    built = experiment(settings, "resnet18", precision, size)
    batches = random_batches(steps, size, built.learner.device)
    model, _ = plain_copy(built)

    fixed = ours.on_fixed_batches(built, batches)
    criterion = built.learner.criterion

    def mine(end_lr: float, count: int) -> tuple[list[float], list[float]]:
        return ours.range_test(fixed, START_LR, end_lr, count, DIVERGENCE)

    def theirs(end_lr: float, count: int) -> tuple[list[float], list[float]]:
        return peer.range_test(
            model, criterion, batches, precision, START_LR, end_lr, count, DIVERGENCE
        )

    found, expected = mine(COMPARED_END_LR, COMPARED), theirs(COMPARED_END_LR, COMPARED)
    assert_close("learning rates", np.log(found[0]), np.log(expected[0]), 1e-9)
    difference = assert_close("smoothed losses", found[1], expected[1], TOLERANCE[precision])
    result = compare(
        timed(lambda: assert_same("steps", len(mine(END_LR, steps)[1]), steps)),
        timed(lambda: assert_same("steps", len(theirs(END_LR, steps)[1]), steps)),
        pairs=settings.size(3, 2),
    )
    return result.noted(f"smoothed losses of {COMPARED} steps differ by {difference:.1g}")


CASES = [
    Case(
        name=f"lr-finder-{short}",
        what=f"100 steps of the learning-rate finder, ResNet18, batch {BATCH_SIZE}, {precision}",
        against="the torch-lr-finder package",
        target=Target(target),
        run=functools.partial(run, precision=precision),
    )
    for short, precision, target in (("fp32", "float32", 1.0), ("bf16", "bfloat16", 2.0))
]
