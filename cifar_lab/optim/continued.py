"""The schedule of a run that extends another one."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.optim.schedules import Schedule, momentum_at


@dataclass(frozen=True, kw_only=True)
class Continued:
    """A schedule for the added epochs of a run that extends another one.

    Attributes:
        schedule: of the added epochs alone; its update 0 is the first of them.
        epochs_before: epochs of the earlier run, each as long as one of the added.
    """

    schedule: Schedule
    epochs_before: int

    @property
    def steps_per_epoch(self) -> int:
        return self.schedule.steps_per_epoch

    @property
    def first_step(self) -> int:
        """Index of the first added update."""
        return self.epochs_before * self.steps_per_epoch

    @property
    def total_steps(self) -> int:
        return self.first_step + self.schedule.total_steps

    def learning_rate(self, step: int) -> float:
        """That of the added epochs; an earlier step is out of range."""
        return self.schedule.learning_rate(step - self.first_step)

    def cycled_momentum(self, step: int) -> float | None:
        """Likewise, where the momentum is cycled."""
        return momentum_at(self.schedule, step - self.first_step)
