"""What can happen around training steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cifar_lab.engine.state import TrainingState

#: A row of metrics.csv: column to value.
Row = dict[str, float]


class Hooks:
    """Override what is of interest; every method does nothing by default."""

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        """Before the first step; ``batches`` an epoch."""

    def on_batch_end(self, state: TrainingState) -> None:
        """After each batch; must not wait for the device."""

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        """After an epoch was trained and evaluated; ``is_best`` by validation."""

    def on_interrupt(self, state: TrainingState) -> None:
        """Before an interrupted run stops; the state can be resumed from."""

    def on_fit_end(self) -> None:
        """After the last step, also when training ends with an error."""


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

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        for hook in self._hooks:
            hook.on_epoch_end(state, row, is_best)

    def on_interrupt(self, state: TrainingState) -> None:
        for hook in self._hooks:
            hook.on_interrupt(state)

    def on_fit_end(self) -> None:
        for hook in self._hooks:
            hook.on_fit_end()
