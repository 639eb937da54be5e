"""Writes metrics and checkpoints during training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import Refusal
from cifar_lab.run.background import BackgroundWriter
from cifar_lab.run.checkpoint import packed_state
from cifar_lab.run.files import write_atomically
from cifar_lab.run.hashed import write_hashed
from cifar_lab.run.metrics import metrics_text, read_metrics
from cifar_lab.run.store import Store
from cifar_lab.wording import plural

log = logging.getLogger("cifar_lab")


class Recorder(Hooks):
    """Writes metrics.csv and the checkpoints of a run folder.

    A checkpoint is the training state and two keys: ``run``, the run's id, and ``rows``, those of
    metrics.csv, so that it is known whose it is and metrics.csv can be written again.

    Args:
        files: of the run.
        in_background: write while the next epoch is trained. A run that is killed meanwhile resumes
            from the previous checkpoint and repeats one epoch.
        rows: of the epochs that were completed before.
    """

    def __init__(self, files: Store, in_background: bool, rows: Sequence[Row] = ()) -> None:
        self._files = files
        self._rows = list(rows)
        self._writer = BackgroundWriter(in_background)

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        self._writer.finish()
        self._rows.append(row)
        metrics, contents = metrics_text(self._rows), self._writer.copy(self._contents(state))
        self._writer.submit(lambda: self._write(contents, is_best, metrics))

    def on_interrupt(self, state: TrainingState) -> None:
        self._writer.finish()
        self._write(self._contents(state), is_best=False)

    def on_fit_end(self) -> None:
        self._writer.close()

    def _contents(self, state: TrainingState) -> dict[str, Any]:
        return _contents(self._files, state, self._rows)

    def _write(self, contents: dict[str, Any], is_best: bool, metrics: str | None = None) -> None:
        folder, packed = self._files.folder, packed_state(contents)
        folder.require()
        # The last checkpoint after the best, so that training never continues without its best.
        best = [folder.best_checkpoint] if is_best else []
        checkpoints = [*best, folder.last_checkpoint]
        table = {} if metrics is None else {folder.metrics: metrics.encode()}
        write = write_hashed if self._files.manifest is None else write_atomically
        with self._files.entering({**table, **dict.fromkeys(checkpoints, packed)}):
            for path, content in table.items():
                write_atomically(path, content)
            for path in checkpoints:
                write(path, packed)


def write_first_checkpoint(files: Store, state: TrainingState) -> None:
    """Write the last checkpoint before the first epoch of a run that starts from elsewhere.

    From here on, the run needs nothing but its own folder.
    """
    packed = packed_state(_contents(files, state, []))
    files.write({files.folder.last_checkpoint: packed})


def _contents(files: Store, state: TrainingState, rows: Sequence[Row]) -> dict[str, Any]:
    return {**state.state_dict(), "run": files.id, "rows": list(rows)}


def completed_rows(files: Store, checkpoint: dict[str, Any]) -> list[Row]:
    """The rows of the epochs that a checkpoint completed, after which its run continues.

    metrics.csv is written again from the checkpoint if it is missing or differs. It may have a
    later row, of an epoch without a checkpoint, which is dropped.

    Args:
        files: of the run.
        checkpoint: its last one. One of an older version has no rows: those in metrics.csv count.

    Raises:
        Refusal: the checkpoint has no rows, and metrics.csv does not have that of each epoch.
    """
    path, epochs = files.folder.metrics, checkpoint["epoch"]
    if "rows" not in checkpoint:
        return _older_rows(files, epochs)
    rows: list[Row] = checkpoint["rows"]
    if not rows:
        return []
    found = path.read_bytes() if path.is_file() else b""
    expected = metrics_text(rows).encode()
    if found != expected:
        if not found.startswith(expected):
            how = "differs from" if found else "is missing, unlike"
            log.warning(f"{path} {how} the rows in the checkpoint, and was written again from them")
        files.write({path: expected})
    return rows


def _older_rows(files: Store, epochs: int) -> list[Row]:
    path = files.folder.metrics
    rows = read_metrics(path, files.read)[:epochs] if epochs else []
    if [row["epoch"] for row in rows] != list(range(1, epochs + 1)):
        raise Refusal(
            f"{path} must begin with the rows of epochs 1 to {epochs}, which the checkpoint "
            f"completed, got {plural(len(rows), 'row', 'rows')} there; restore a copy of it, or "
            "train again"
        )
    return rows
