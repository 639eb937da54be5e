"""The learning-rate range test (Smith, https://arxiv.org/abs/1506.01186)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from cifar_lab.bounds import AtLeastOne, AtLeastTwo, PositiveFloat, PositiveInt, PositiveShare
from cifar_lab.data.loaders import TrainBatch, TrainLoader
from cifar_lab.engine.engine import Engine
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.lr_suggestions import Rule
from cifar_lab.engine.restoring import kept
from cifar_lab.engine.state import TrainingState
from cifar_lab.engine.step import Step

#: Steps between two looks at the losses: each look waits for the device. At most one less is run
#: in vain.
LOOK_EVERY = 10


class Curve(NamedTuple):
    """What a range test measured, a value a step.

    Attributes:
        learning_rates: that the step was taken with.
        losses: mean over the step's images, before its update.
        smoothed: exponential moving average of the losses.
        ended: why it has fewer steps than it should: ``diverged`` or ``not finite``; else None.
    """

    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    ended: str | None


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """Trains a few steps at rising learning rates, and takes everything back.

    Computes what the torch-lr-finder package does (https://github.com/davidtvs/pytorch-lr-finder).

    Attributes:
        start_lr: learning rate of the first step.
        end_lr: of the last one.
        steps: optimizer updates at most.
        spacing: ``exponential`` multiplies from step to step, ``linear`` adds.
        smoothing: weight of the newest loss in the moving average; 1 smooths nothing.
        divergence: it stops where the smoothed loss is more than so many times its least.
        seeds: how many seeds to try, the run's and those after it, so that the spread is seen.
        suggestion: the rule whose median over the seeds is the learning rate to take.

    Raises:
        ValueError: the range is empty.
    """

    start_lr: PositiveFloat
    end_lr: PositiveFloat
    steps: AtLeastTwo
    spacing: Literal["exponential", "linear"]
    smoothing: PositiveShare
    divergence: AtLeastOne
    seeds: PositiveInt
    suggestion: Rule

    def __post_init__(self) -> None:
        if self.start_lr >= self.end_lr:
            raise ValueError(
                f"start_lr={self.start_lr:g} must be below end_lr={self.end_lr:g}; lower "
                "lr_finder.start_lr or raise lr_finder.end_lr"
            )

    def learning_rate(self, step: int) -> float:
        """The learning rate of update ``step``, from 0."""
        passed = step / (self.steps - 1)
        if self.spacing == "linear":
            return self.start_lr + passed * (self.end_lr - self.start_lr)
        return self.start_lr * float((self.end_lr / self.start_lr) ** passed)

    def run(
        self, engine: Engine, learner: Learner, optimizer: Optimizer, loader: TrainLoader
    ) -> Curve:
        """Takes the engine's own steps over the first batches of the run, and takes them back.

        All parameters are trained, as at a run's beginning, and epochs are whole ones. Weights,
        buffers, optimizer and random states are afterwards as before, also where it raises.
        """
        together = engine.plan.accumulate_batches
        losses: list[float] = []
        unseen: list[Tensor] = []
        with kept(learner.model, optimizer):
            learner.model.train()
            state = TrainingState(learner.model, optimizer, None, learner.device)
            step = engine.step(learner, state)
            for number, batches in enumerate(_updates(loader, together, self.steps)):
                unseen.append(_update(step, batches, self.learning_rate(number)))
                if len(unseen) == LOOK_EVERY or number + 1 == self.steps:
                    losses += torch.stack(unseen).tolist()
                    unseen.clear()
                    if self.curve(losses).ended is not None:
                        break
        return self.curve(losses)

    def curve(self, losses: Sequence[float]) -> Curve:
        """Smooths losses, up to the step where the test ends; a loss that is no number is none."""
        smoothed: list[float] = []
        ended = None
        for loss in losses:
            if not math.isfinite(loss):
                ended = "not finite"
                break
            before = smoothed[-1] if smoothed else loss
            smoothed.append(self.smoothing * loss + (1 - self.smoothing) * before)
            if smoothed[-1] > self.divergence * min(smoothed):
                ended = "diverged"
                break
        steps = range(len(smoothed))
        return Curve(
            [self.learning_rate(step) for step in steps], [*losses[: len(steps)]], smoothed, ended
        )


def _updates(loader: TrainLoader, together: int, updates: int) -> Iterator[list[TrainBatch]]:
    """The batches of each update, epoch after epoch; the last update of one may have fewer."""
    epoch = 0
    while updates > 0:
        end = min(len(loader), updates * together)
        batches = iter(loader.batches(epoch, 0, end))
        while group := list(islice(batches, together)):
            yield group
            updates -= 1
        epoch += 1


def _update(step: Step, batches: Sequence[TrainBatch], learning_rate: float) -> Tensor:
    """One update; its images' mean loss, float32 ``()``, on the device."""
    images = sum(len(batch.labels) for batch in batches)
    losses = []
    for batch in batches:
        share = len(batch.labels) / images
        rate = learning_rate if batch is batches[-1] else None
        loss = step(batch, share=share, learning_rate=rate).loss
        losses.append(loss if share == 1 else loss * share)
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()
