"""Times a batch of an experiment before any images are loaded, to tell how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from cifar_lab.assembly.attempts import Tried
from cifar_lab.assembly.building import attempted
from cifar_lab.assembly.precision import chosen
from cifar_lab.data.arrays import Outline
from cifar_lab.data.loaders import Batch
from cifar_lab.engine.learner import Learner
from cifar_lab.precision import dtype_of
from cifar_lab.run.provenance import PrecisionProbe

#: The first batch warms up; the later ones are timed.
TIMED = 2


@dataclass(frozen=True)
class BatchTimes:
    """Seconds of one batch, and how many of them an epoch has.

    Attributes:
        training: seconds of forward pass, backward pass and update.
        evaluation: seconds of the forward pass, per image.
        batches: of an epoch.
        evaluated: images that are evaluated after it.
    """

    training: float
    evaluation: float
    batches: int
    evaluated: int

    @property
    def epoch_seconds(self) -> float:
        """Seconds of an epoch with the evaluation after it."""
        return self.batches * self.training + self.evaluated * self.evaluation


def batch_times(
    config: dict[str, Any], tried: Tried, probe: PrecisionProbe | None = None
) -> BatchTimes | None:
    """Train on a random batch of the right size; None if the parts cannot be built.

    Args:
        config: as plain values, without problems.
        tried: earlier results to reuse; the weights of its model change.
        probe: the measurement that ``precision=auto`` goes by.
    """
    attempts = attempted(config, tried, load=False)
    if attempts.problems:
        return None
    built, known = attempts.parts, attempts.known
    engine, setup = built["trainer"]
    precision, _ = chosen(setup.precision, built["place"], probe)
    learner = Learner(
        built["model"], built["criterion"], built["place"], precision, setup.test_time_flips
    )
    assert known.train_images is not None, "ASSUMED provides it"
    size = min(engine.plan.batch_size, known.train_images)
    batch = _random(size, known, learner, setup.channels_last)
    optimizer = built["optimizer"]

    def train() -> None:
        learner.model.train()
        loss, _ = learner.loss_and_logits(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    training = _seconds(train, learner.device)
    evaluation = _seconds(lambda: learner.predict([batch], learner.model), learner.device)
    batches = engine.plan.batches_to_train(-(-known.train_images // engine.plan.batch_size))
    held_out = (known.images or known.train_images) - known.train_images
    return BatchTimes(training, evaluation / size, batches, max(held_out, 0))


def _random(size: int, known: Outline, learner: Learner, channels_last: bool) -> Batch:
    """A batch of noise, as the loaders would put it on the device."""
    assert known.image_size is not None, "ASSUMED provides it"
    assert known.classes is not None, "ASSUMED provides it"
    images = torch.randn(size, 3, *known.image_size).to(learner.device, dtype_of(learner.precision))
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    return Batch(images, (torch.arange(size) % known.classes).to(learner.device))


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of one call: the fastest of a few, after one that warms up."""
    work()
    found = []
    for _ in range(TIMED):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        found.append(time.perf_counter() - started)
    return min(found)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
