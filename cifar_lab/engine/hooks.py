"""Hooks called around training steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cifar_lab.engine.state import TrainingState

#: A row of metrics.csv: column to value.
Row = dict[str, float]
#: Columns of the engine itself; what else a row has was added by hooks.
COLUMNS = (
    "epoch",
    "step",
    "lr",
    "momentum",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "epoch_seconds",
    "evaluation_seconds",
    "images_per_second",
)


class Hooks:
    """Override the methods of interest; by default, every method does nothing."""

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        """Called before the first step; ``batches`` is per epoch."""

    def on_batch_end(self, state: TrainingState) -> None:
        """Called after each batch; must not synchronise with the device."""

    def on_epoch_evaluated(self, state: TrainingState, row: Row) -> None:
        """Called after an epoch has been trained and evaluated; may add columns to its row."""

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        """Called once it is decided whether training goes on; ``is_best`` is by validation."""

    def reason_to_stop(self, state: TrainingState) -> str | None:
        """Asked after an epoch that is not the last: why training stops; None if it goes on."""
        return None

    def on_interrupt(self, state: TrainingState) -> None:
        """Called before an interrupted run stops; training can resume from the state."""

    def on_fit_end(self) -> None:
        """Called after the last step, even if training ends with an error."""


class HookList(Hooks):
    """Calls several hooks in order."""

    def __init__(self, *hooks: Hooks) -> None:
        self._hooks = hooks

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        for hook in self._hooks:
            hook.on_fit_start(state, epochs, batches)

    def on_batch_end(self, state: TrainingState) -> None:
        for hook in self._hooks:
            hook.on_batch_end(state)

    def on_epoch_evaluated(self, state: TrainingState, row: Row) -> None:
        for hook in self._hooks:
            hook.on_epoch_evaluated(state, row)

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        for hook in self._hooks:
            hook.on_epoch_end(state, row, is_best)

    def reason_to_stop(self, state: TrainingState) -> str | None:
        reasons = (hook.reason_to_stop(state) for hook in self._hooks)
        return next((reason for reason in reasons if reason is not None), None)

    def on_interrupt(self, state: TrainingState) -> None:
        for hook in self._hooks:
            hook.on_interrupt(state)

    def on_fit_end(self) -> None:
        for hook in self._hooks:
            hook.on_fit_end()
