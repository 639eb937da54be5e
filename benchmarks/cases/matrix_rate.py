"""Share of the machine's bfloat16 matrix rate reached in training, and the roofline."""

from __future__ import annotations

import dataclasses
import functools

import torch
from torch import Tensor

from benchmarks import ours, roofline
from benchmarks.cases.training_step import experiment, plain_copy, random_batches
from benchmarks.measure import (
    Case,
    Result,
    Settings,
    arithmetic_mean,
    assert_close,
    compare,
    timed,
)


def run(settings: Settings, model: str) -> Result:
    """Asserts the plain network's loss, then times our steps and matrix products in turn."""
    batch_size = settings.size(256, 8)
    built = experiment(settings, [f"model={model}"], "bfloat16", batch_size)
    batches = random_batches(1, batch_size, built.learner.device)
    _assert_equal_losses(built, batches)
    work, device = counted_step(built, batches[0]), built.learner.device
    fixed = ours.on_fixed_batches(built, batches)
    product, operations = roofline.matrix_product(device, torch.bfloat16, settings)
    result = compare(
        timed(lambda: ours.fit(fixed)),
        timed(product),
        pairs=settings.size(6, 2),
        work=(work.operations, operations),
    )
    seconds, product_seconds = (arithmetic_mean(s)[0] for s in (result.ours, result.theirs))
    rate = operations / product_seconds
    bandwidth = roofline.bandwidth(device, settings)
    assert result.value is not None
    # Operators run one after the other. Products of a step may be faster than the large one.
    reachable = max(result.value, work.ceiling(rate, bandwidth))
    result = dataclasses.replace(result, reachable=reachable)
    return result.noted(*work.lines(seconds, rate, bandwidth))


def counted_step(built: ours.Experiment, batch: tuple[Tensor, Tensor]) -> roofline.Work:
    """Counts the work of a step of the plain network in bfloat16.

    The plain network is counted so that omitted or repeated work in our step cannot raise the
    result.
    """
    plain, optimizer = plain_copy(built)
    images, labels = batch

    def step() -> None:
        with torch.autocast(images.device.type, dtype=torch.bfloat16):
            loss = built.learner.criterion(plain(images), labels)
        loss.backward()
        optimizer.step()

    return roofline.count(step)


def _assert_equal_losses(built: ours.Experiment, batches: list[tuple[Tensor, Tensor]]) -> None:
    plain, _ = plain_copy(built)
    plain.train()
    with torch.no_grad():
        theirs = [built.learner.criterion(plain(x), y).item() for x, y in batches]
    assert_close("loss", ours.losses(built, batches), theirs, 3e-2)


CASES = [
    Case(
        name=f"matrix-rate-{model.replace('_', '-')}",
        what=f"share of the bfloat16 matrix rate reached in training, {label}",
        against="large `torch.matmul` in the same process",
        run=functools.partial(run, model=model),
        in_bfloat16=True,
    )
    for model, label in (("resnet18", "ResNet18"), ("custom_resnet", "custom ResNet"))
]
