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

#: Steps between checks of the losses: each check waits for the device. At most one step less than
#: this is wasted.
LOOK_EVERY = 10


class Curve(NamedTuple):
    """The measurements of a range test, one value per step.

    Attributes:
        learning_rates: learning rate of each step.
        losses: mean loss over the step's images, before its update.
        smoothed: exponential moving average of the losses.
        ended: why the test ended early: ``diverged`` or ``not finite``; otherwise None.
    """

    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    ended: str | None


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """Trains a few steps at increasing learning rates, then restores everything.

    Computes the same as torch-lr-finder (https://github.com/davidtvs/pytorch-lr-finder).

    Attributes:
        start_lr: learning rate of the first step.
        end_lr: learning rate of the last step.
        steps: maximum number of optimizer updates.
        spacing: ``exponential`` multiplies the rate from step to step, ``linear`` adds to it.
        smoothing: weight of the latest loss in the moving average; 1 disables smoothing.
        divergence: stop when the smoothed loss exceeds its minimum by this factor.
        seeds: number of seeds to try, starting from the run's seed, to show the spread.
        suggestion: the rule whose median over the seeds is the suggested learning rate.

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
        """The learning rate of update ``step``, counted from 0."""
        passed = step / (self.steps - 1)
        if self.spacing == "linear":
            return self.start_lr + passed * (self.end_lr - self.start_lr)
        return self.start_lr * float((self.end_lr / self.start_lr) ** passed)

    def run(
        self, engine: Engine, learner: Learner, optimizer: Optimizer, loader: TrainLoader
    ) -> Curve:
        """Run the engine's own steps over the first batches of the run, then undo them.

        Parameters are trained as at the start of a run, and epochs are not shortened. Weights,
        buffers, optimizer and random states are restored afterwards, even if an error is raised.
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
        """Smooth the losses up to the step where the test ends; a non-finite loss ends the test."""
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
    """Yield the batches of each update; the last update of an epoch may have fewer."""
    epoch = 0
    while updates > 0:
        end = min(len(loader), updates * together)
        batches = iter(loader.batches(epoch, 0, end))
        while group := list(islice(batches, together)):
            yield group
            updates -= 1
        epoch += 1


def _update(step: Step, batches: Sequence[TrainBatch], learning_rate: float) -> Tensor:
    """Perform one update; return its images' mean loss, float32 ``()``, on the device."""
    images = sum(len(batch.labels) for batch in batches)
    losses = []
    for batch in batches:
        share = len(batch.labels) / images
        rate = learning_rate if batch is batches[-1] else None
        loss = step(batch, share=share, learning_rate=rate).loss
        losses.append(loss if share == 1 else loss * share)
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()
