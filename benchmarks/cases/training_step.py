"""A training step of ResNet18 beside a plain loop."""

from __future__ import annotations

import copy
import functools

import torch
from torch import Tensor

from benchmarks import ours
from benchmarks.measure import (
    Case,
    Result,
    Settings,
    Target,
    arithmetic_mean,
    assert_close,
    compare,
    timed,
)
from benchmarks.peers import plain_loop

LEARNING_RATE = 0.01
#: Loss of our step against that of the plain loop: other sums in float32, other digits in
#: bfloat16.
TOLERANCE = {"float32": 3e-3, "bfloat16": 3e-2}


def experiment(settings: Settings, model: str, precision: str, batch_size: int) -> ours.Experiment:
    """An experiment that trains one epoch at a time on whatever batches it is given."""
    network = ["model=custom_resnet", "model.width=4"] if settings.quick else [f"model={model}"]
    return ours.experiment(
        "dataset=digits",
        *network,
        "scheduler=constant",
        f"optimizer.lr={LEARNING_RATE}",
        f"trainer.precision={precision}",
        f"trainer.batch_size={batch_size}",
        "trainer.limit_epochs=1",
        "trainer.epochs=1000",  # of the few images: the schedule must be as long as any run here
    )


def random_batches(
    count: int, batch_size: int, device: torch.device, side: int = 32
) -> list[tuple[Tensor, Tensor]]:
    """Normal images and labels of ten classes; a step's time does not depend on what they show."""
    draw = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(batch_size, 3, side, side, generator=draw).to(device),
            torch.randint(10, (batch_size,), generator=draw).to(device),
        )
        for _ in range(count)
    ]


def plain_copy(built: ours.Experiment) -> tuple[torch.nn.Module, torch.optim.SGD]:
    """The experiment's network with the same weights, as a plain loop has it, and its SGD."""
    model = copy.deepcopy(built.learner.model).to(memory_format=torch.contiguous_format)
    return model, plain_loop.sgd(model, LEARNING_RATE)


def run(settings: Settings, precision: str, batch_size: int) -> Result:
    """Asserts equal losses of three steps, then times steps in turn."""
    batch_size = settings.size(batch_size, 32)
    built = experiment(settings, "resnet18", precision, batch_size)
    criterion = built.learner.criterion
    batches = random_batches(3, batch_size, built.learner.device)
    model, optimizer = plain_copy(built)
    difference = assert_close(
        "losses of three steps",
        ours.losses(built, batches),
        plain_loop.train(model, optimizer, criterion, batches)[0],
        TOLERANCE[precision],
    )
    # Long enough on an accelerator for the warm-up of each fit not to show.
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
        target=Target(target),
        run=functools.partial(run, precision=precision, batch_size=batch_size),
    )
    for short, precision, target in (("bf16", "bfloat16", 2.4), ("fp32", "float32", 1.2))
    for batch_size in (128, 256)
]
