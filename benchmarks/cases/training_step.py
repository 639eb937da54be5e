"""A training step of ResNet18 against a plain loop."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.measure import (
    Case,
    Result,
    Settings,
    arithmetic_mean,
    assert_close,
    compare,
    timed,
)
from benchmarks.peers import plain_loop

LEARNING_RATE = 0.01
#: Allowed difference between the losses of our step and the plain loop: due to the order of
#: summation in float32 and to rounding in bfloat16.
TOLERANCE = {"float32": 3e-3, "bfloat16": 3e-2}


def experiment(
    settings: Settings, network: Sequence[str], precision: str, batch_size: int
) -> ours.Experiment:
    """Builds an experiment of which each fit is one epoch on given batches.

    Args:
        settings: in quick runs, the network is a small one.
        network: overrides that choose it.
        precision: as ``trainer.precision``.
        batch_size: images of a step.
    """
    if settings.quick:
        network = ["model=custom_resnet", "model.width=4"]
    return ours.experiment(
        "dataset=digits",
        *network,
        "scheduler=constant",
        f"optimizer.lr={LEARNING_RATE}",
        f"trainer.precision={precision}",
        f"trainer.batch_size={batch_size}",
        "trainer.limit_epochs=1",
        "trainer.epochs=1000",  # as images are few and the schedule must cover any run
    )


def random_batches(
    count: int, batch_size: int, device: torch.device, side: int = 32
) -> list[tuple[Tensor, Tensor]]:
    """Creates random images with labels of ten classes; their content does not affect the time."""
    draw = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(batch_size, 3, side, side, generator=draw).to(device),
            torch.randint(10, (batch_size,), generator=draw).to(device),
        )
        for _ in range(count)
    ]


def plain_copy(built: ours.Experiment) -> tuple[torch.nn.Module, torch.optim.SGD]:
    """Copies the experiment's network for a plain loop, with the same weights, and adds SGD."""
    model = copy.deepcopy(built.learner.model).to(memory_format=torch.contiguous_format)
    return model, plain_loop.sgd(model, LEARNING_RATE)


def run(settings: Settings, precision: str, batch_size: int) -> Result:
    """Asserts equal losses for three steps, then times steps in turn."""
    batch_size = settings.size(batch_size, 32)
    built = experiment(settings, ["model=resnet18"], precision, batch_size)
    criterion = built.learner.criterion
    batches = random_batches(3, batch_size, built.learner.device)
    model, optimizer = plain_copy(built)
    difference = assert_close(
        "losses of three steps",
        ours.losses(built, batches),
        plain_loop.train(model, optimizer, criterion, batches)[0],
        TOLERANCE[precision],
    )
    # On an accelerator, long enough for the warm-up of each fit to be negligible.
    images = 51_200 if built.learner.device.type == "cuda" else 256
    steps = (batches * images)[: settings.size(max(images // batch_size, 1), 1)]
    fixed = ours.on_fixed_batches(built, steps)
    result = compare(
        timed(lambda: ours.fit(fixed)),
        timed(lambda: plain_loop.train(model, optimizer, criterion, steps)),
        pairs=settings.size(5, 2),
    )
    images = batch_size * len(steps)
    rates = [images / arithmetic_mean(side)[0] for side in (result.ours, result.theirs)]
    return result.noted(
        f"images/s: {rates[0]:,.0f} against {rates[1]:,.0f}; losses differ by {difference:.1g}"
    )


CASES = [
    Case(
        name=f"step-resnet18-{short}-{batch_size}",
        what=f"training step, ResNet18, batch {batch_size}, {precision}",
        against="plain loop (float32, NCHW, eager)",
        run=functools.partial(run, precision=precision, batch_size=batch_size),
        in_bfloat16=precision == "bfloat16",
    )
    for short, precision in (("bf16", "bfloat16"), ("fp32", "float32"))
    for batch_size in (128, 256)
]
