"""The learning-rate finder against the torch-lr-finder package."""

from __future__ import annotations

import functools

import numpy as np

from benchmarks import ours, peers
from benchmarks.cases.training_step import experiment, plain_copy, random_batches
from benchmarks.measure import (
    Case,
    Result,
    Settings,
    assert_close,
    assert_same,
    compare,
    timed,
)

#: The network of three of the five studies; a batch size at which 100 steps take a minute.
NETWORK, BATCH_SIZE = "custom_resnet", 64
START_LR, END_LR = 1e-5, 0.1
#: High, so that neither side stops early.
DIVERGENCE = 1e9
#: Steps whose curves are compared first, at small learning rates: later, rounding differences grow,
#: as they do between any two orders of summation.
COMPARED, COMPARED_END_LR = 10, 1e-3
#: Largest difference of smoothed losses, relative to the largest loss.
TOLERANCE = 1e-3


def run(settings: Settings, precision: str, peer_precision: str) -> Result:
    """Asserts equal curves for a few steps in one precision, then times range tests in turn.

    Args:
        settings: size of the measurement.
        precision: of our side, and of both sides in the comparison.
        peer_precision: of the package while it is timed.
    """
    peer = peers.load("lr_finder_peer")
    size, steps = settings.size(BATCH_SIZE, 16), settings.size(100, 12)
    built = experiment(settings, NETWORK, precision, size)
    batches = random_batches(steps, size, built.learner.device)
    model, _ = plain_copy(built)

    fixed = ours.on_fixed_batches(built, batches)
    criterion = built.learner.criterion

    def mine(end_lr: float, count: int) -> tuple[list[float], list[float]]:
        return ours.range_test(fixed, START_LR, end_lr, count, DIVERGENCE)

    def theirs(computed_in: str, end_lr: float, count: int) -> tuple[list[float], list[float]]:
        return peer.range_test(
            model, criterion, batches, computed_in, START_LR, end_lr, count, DIVERGENCE
        )

    found, expected = mine(COMPARED_END_LR, COMPARED), theirs(precision, COMPARED_END_LR, COMPARED)
    assert_close("learning rates", np.log(found[0]), np.log(expected[0]), 1e-9)
    difference = assert_close("smoothed losses", found[1], expected[1], TOLERANCE)
    result = compare(
        timed(lambda: assert_same("steps", len(mine(END_LR, steps)[1]), steps)),
        timed(lambda: assert_same("steps", len(theirs(peer_precision, END_LR, steps)[1]), steps)),
        pairs=settings.size(3, 2),
    )
    return result.noted(f"smoothed losses of {COMPARED} steps differ by {difference:.1g}")


def case(name: str, precision: str, peer_precision: str) -> Case:
    """Creates a case of 100 steps."""
    return Case(
        name=f"lr-finder-{name}",
        what="100 steps of the learning-rate finder, custom ResNet, "
        f"batch {BATCH_SIZE}, {precision}",
        against=f"the torch-lr-finder package, {peer_precision}",
        run=functools.partial(run, precision=precision, peer_precision=peer_precision),
        in_bfloat16=precision == "bfloat16",
    )


CASES = [
    case("fp32", "float32", "float32"),
    case("bf16", "bfloat16", "float32"),
    case("bf16-autocast", "bfloat16", "bfloat16"),
]
