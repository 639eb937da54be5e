"""Writes metrics and checkpoints during training."""

from __future__ import annotations

from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.run.background import BackgroundWriter
from cifar_lab.run.checkpoint import save_checkpoint
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics, write_metrics


class Recorder(Hooks):
    """Writes metrics.csv and the checkpoints of a run folder.

    Args:
        folder: of the run.
        in_background: write while the next epoch is trained. A run that is killed meanwhile resumes
            from the previous checkpoint and repeats one epoch.
    """

    def __init__(self, folder: RunFolder, in_background: bool) -> None:
        self._folder = folder
        self._rows: list[Row] = []
        self._writer = BackgroundWriter(in_background)

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        """Keeps the rows of completed epochs; a later row has no checkpoint and is dropped."""
        if self._folder.metrics.is_file():
            rows = read_metrics(self._folder.metrics)
            self._rows = [row for row in rows if row["epoch"] <= state.epoch]

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        self._writer.finish()
        self._rows.append(row)
        rows, contents = list(self._rows), self._writer.copy(state.state_dict())
        best = self._folder.best_checkpoint if is_best else None

        def write() -> None:
            self._folder.require()
            write_metrics(self._folder.metrics, rows)
            save_checkpoint(self._folder.last_checkpoint, contents, also=best)

        self._writer.submit(write)

    def on_interrupt(self, state: TrainingState) -> None:
        self._writer.finish()
        self._folder.require()
        save_checkpoint(self._folder.last_checkpoint, state.state_dict())

    def on_fit_end(self) -> None:
        self._writer.close()
