"""Learning-rate schedules as small values that map a step number to its learning rate.

Each gets the length of the run (``epochs`` and ``steps_per_epoch``) when it is built, so the
configuration does not repeat it. Steps count optimizer updates from 0; ``learning_rate(step)`` is
the rate used by that update. Apart from the cosine, every schedule is linear between its corners.
A schedule that also changes the optimizer's momentum has a method ``cycled_momentum(step)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from cifar_lab.bounds import AtLeastOne, Fraction, NonNegativeFloat, PositiveFloat, UnitInterval


class Schedule(Protocol):
    """What the trainer needs from a schedule."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer updates in a whole epoch."""

    @property
    def total_steps(self) -> int:
        """Optimizer updates in the full, unshortened run."""

    def learning_rate(self, step: int) -> float:
        """The learning rate of update ``step``, ``0 <= step < total_steps``.

        Raises:
            ValueError: the step is out of range.
        """


@dataclass(frozen=True, kw_only=True)
class RunLength:
    """The length of a run, which every schedule has.

    Attributes:
        epochs: number of epochs of the whole run.
        steps_per_epoch: optimizer updates in a whole epoch.
    """

    epochs: int
    steps_per_epoch: int

    @property
    def total_steps(self) -> int:
        """Optimizer updates in the full, unshortened run."""
        return self.epochs * self.steps_per_epoch

    def _refuse_beyond(self, step: int) -> None:
        """Refuse steps beyond the end, where the rate could even fall below zero."""
        if not 0 <= step < self.total_steps:
            raise ValueError(f"step must be in 0 … {self.total_steps - 1}, got {step}")


@dataclass(frozen=True, kw_only=True)
class Constant(RunLength):
    """A constant learning rate."""

    max_lr: PositiveFloat

    def learning_rate(self, step: int) -> float:
        """``max_lr``."""
        self._refuse_beyond(step)
        return self.max_lr


@dataclass(frozen=True, kw_only=True)
class Triangular(RunLength):
    """A linear rise to the peak, then a linear fall to the end.

    Attributes:
        max_lr: learning rate of the last update of epoch ``peak_epoch``.
        peak_epoch: epochs until the peak, may be fractional; 0 starts at the peak; None for a fifth
            of the run.
        start_fraction: learning rate of the first update divided by ``max_lr``.
        end_fraction: learning rate of the last update divided by ``max_lr``.

    Raises:
        ValueError: the peak is beyond the end of the run.
    """

    max_lr: PositiveFloat
    peak_epoch: NonNegativeFloat | None
    start_fraction: UnitInterval
    end_fraction: UnitInterval

    def __post_init__(self) -> None:
        _refuse_late_peak(self.peak_epoch, self.epochs)

    @property
    def peak_step(self) -> int:
        """Index of the update with the maximum learning rate."""
        peak_epoch = self.epochs / 5 if self.peak_epoch is None else self.peak_epoch
        return max(round(peak_epoch * self.steps_per_epoch) - 1, 0)

    def learning_rate(self, step: int) -> float:
        """Linear interpolation between start, peak and end."""
        self._refuse_beyond(step)
        peak, last = self.peak_step, self.total_steps - 1
        if step == peak:
            return self.max_lr
        if step < peak:
            start, length, passed = self.start_fraction, peak, step
            return self.max_lr * (start + (1 - start) * passed / length)
        end, length, passed = self.end_fraction, last - peak, step - peak
        return self.max_lr * (1 - (1 - end) * passed / length)


@dataclass(frozen=True, kw_only=True)
class OneCycle(RunLength):
    """One cycle with two linear phases (Smith, https://arxiv.org/abs/1708.07120).

    Equals torch's ``OneCycleLR(anneal_strategy="linear", three_phase=False)`` at every step if the
    peak falls on a step, i.e. ``peak_epoch * steps_per_epoch`` is an integer.

    Attributes:
        max_lr: learning rate of the last update of epoch ``peak_epoch``.
        peak_epoch: epochs until the peak, may be fractional; None for a fifth of the run.
        div_factor: ``max_lr`` divided by the first learning rate.
        final_div_factor: the first learning rate divided by the last; 1 ends where it started.
        cycle_momentum: also change the momentum, against the learning rate: Adam's beta1, or SGD's
            momentum.
        base_momentum: momentum at the maximum learning rate.
        max_momentum: momentum of the first and the last update.

    Raises:
        ValueError: the peak is beyond the end of the run, or ``base_momentum`` is above
            ``max_momentum``.
    """

    max_lr: PositiveFloat
    peak_epoch: PositiveFloat | None
    div_factor: AtLeastOne
    final_div_factor: AtLeastOne
    cycle_momentum: bool
    base_momentum: Fraction
    max_momentum: Fraction

    def __post_init__(self) -> None:
        _refuse_late_peak(self.peak_epoch, self.epochs)
        if self.base_momentum > self.max_momentum:
            raise ValueError(
                f"base_momentum={self.base_momentum:g} must be at most "
                f"max_momentum={self.max_momentum:g}; it is the momentum at the maximum learning "
                "rate"
            )

    def learning_rate(self, step: int) -> float:
        """Linear between ``max_lr / div_factor``, ``max_lr`` and the final rate."""
        return Triangular(
            epochs=self.epochs,
            steps_per_epoch=self.steps_per_epoch,
            max_lr=self.max_lr,
            peak_epoch=self.peak_epoch,
            start_fraction=1 / self.div_factor,
            end_fraction=1 / (self.div_factor * self.final_div_factor),
        ).learning_rate(step)

    def cycled_momentum(self, step: int) -> float | None:
        """Linear from ``max_momentum`` to ``base_momentum`` at the peak and back; None if off."""
        if not self.cycle_momentum:
            return None
        height = Triangular(
            epochs=self.epochs,
            steps_per_epoch=self.steps_per_epoch,
            max_lr=1,
            peak_epoch=self.peak_epoch,
            start_fraction=0,
            end_fraction=0,
        ).learning_rate(step)
        return self.max_momentum - (self.max_momentum - self.base_momentum) * height


@dataclass(frozen=True, kw_only=True)
class Cosine(RunLength):
    """Linear warm-up, then half a cosine (Loshchilov & Hutter, https://arxiv.org/abs/1608.03983).

    Attributes:
        max_lr: learning rate at the end of the warm-up.
        warmup_epochs: length of the warm-up, may be fractional; 0 disables it.
        end_fraction: learning rate of the last update divided by ``max_lr``.

    Raises:
        ValueError: the warm-up does not end within the run.
    """

    max_lr: PositiveFloat
    warmup_epochs: NonNegativeFloat
    end_fraction: UnitInterval

    def __post_init__(self) -> None:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs={self.warmup_epochs:g} must be less than the {self.epochs} "
                "epochs of the run; lower scheduler.warmup_epochs or raise trainer.epochs"
            )

    def learning_rate(self, step: int) -> float:
        """Linear warm-up to ``max_lr``, then ``(1 + cos) / 2`` until the end."""
        self._refuse_beyond(step)
        warmup = round(self.warmup_epochs * self.steps_per_epoch)
        if step < warmup:
            return self.max_lr * (step + 1) / warmup
        length = max(self.total_steps - 1 - warmup, 1)
        cosine = (1 + math.cos(math.pi * (step - warmup) / length)) / 2
        return self.max_lr * (self.end_fraction + (1 - self.end_fraction) * cosine)


@dataclass(frozen=True, kw_only=True)
class MultiStep(RunLength):
    """Multiplies the learning rate by ``gamma`` after each milestone.

    Attributes:
        max_lr: learning rate before the first milestone.
        milestone_epochs: epochs after which the rate drops, ascending, may be fractional.
        gamma: factor of each drop.

    Raises:
        ValueError: the milestones are not in ascending order, or one is beyond the end of the run.
    """

    max_lr: PositiveFloat
    milestone_epochs: tuple[PositiveFloat, ...]
    gamma: PositiveFloat

    def __post_init__(self) -> None:
        milestones = list(self.milestone_epochs)
        if milestones != sorted(milestones):
            raise ValueError(f"milestone_epochs must be in ascending order, got {milestones}")
        if milestones and milestones[-1] >= self.epochs:
            raise ValueError(
                f"milestone_epochs={milestones} must all be less than the {self.epochs} "
                "epochs of the run; lower scheduler.milestone_epochs or raise trainer.epochs"
            )

    def learning_rate(self, step: int) -> float:
        """``max_lr * gamma ** (number of milestones passed)``."""
        self._refuse_beyond(step)
        passed = sum(step >= round(m * self.steps_per_epoch) for m in self.milestone_epochs)
        return self.max_lr * self.gamma**passed


def steps_of(schedule: Schedule) -> range:
    """Return the updates that a schedule is for: all, or those added to an earlier run."""
    return range(getattr(schedule, "first_step", 0), schedule.total_steps)


def momentum_at(schedule: Schedule, step: int) -> float | None:
    """Return the momentum of update ``step``; None if the schedule leaves it as it is.

    Raises:
        ValueError: the step is out of range.
    """
    cycled = getattr(schedule, "cycled_momentum", None)
    return None if cycled is None else cycled(step)


def cycles_momentum(schedule: Schedule) -> bool:
    """Return whether a schedule changes the optimizer's momentum."""
    return momentum_at(schedule, steps_of(schedule).start) is not None


def _refuse_late_peak(peak_epoch: float | None, epochs: int) -> None:
    if peak_epoch is not None and peak_epoch >= epochs:
        raise ValueError(
            f"peak_epoch={peak_epoch:g} must be less than the {epochs} epochs of the run; "
            "lower scheduler.peak_epoch or raise trainer.epochs"
        )
