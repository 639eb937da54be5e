"""What a run writes down while it trains."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.refusal import Refusal
from cifar_lab.run.background import BackgroundWriter
from cifar_lab.run.checkpoint import save_checkpoint
from cifar_lab.run.files import write_atomically
from cifar_lab.run.folder import RunFolder

#: Columns that hold counts.
WHOLE_NUMBERS = {"epoch"}


class Recorder(Hooks):
    """Writes metrics.csv and the checkpoints of a run folder.

    Args:
        folder: of the run.
        in_background: write while the next epoch is trained. A run that is killed then finds the
            checkpoint of the epoch before, and trains one epoch again.
    """

    def __init__(self, folder: RunFolder, in_background: bool) -> None:
        self._folder = folder
        self._rows: list[Row] = []
        self._writer = BackgroundWriter(in_background)

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        """Keeps the rows of the epochs behind us; a later one was written, but not saved."""
        if self._folder.metrics.is_file():
            rows = read_metrics(self._folder.metrics)
            self._rows = [row for row in rows if row["epoch"] <= state.epoch]

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        self._writer.finish()
        self._rows.append(row)
        rows, contents = list(self._rows), self._writer.copy(state.state_dict())
        best = self._folder.best_checkpoint if is_best else None

        def write() -> None:
            write_metrics(self._folder.metrics, rows)
            save_checkpoint(self._folder.last_checkpoint, contents, also=best)

        self._writer.submit(write)

    def on_interrupt(self, state: TrainingState) -> None:
        self._writer.finish()
        save_checkpoint(self._folder.last_checkpoint, state.state_dict())

    def on_fit_end(self) -> None:
        self._writer.close()


def write_metrics(path: Path, rows: list[Row]) -> None:
    """Writes rows of equal columns; numbers are written so that they read back exactly."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def read_metrics(path: Path) -> list[Row]:
    """Reads what :func:`write_metrics` wrote.

    Raises:
        Refusal: it is missing, or something else stands there.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {k: int(v) if k in WHOLE_NUMBERS else float(v) for k, v in row.items()}
                for row in csv.DictReader(file)
            ]
        if not rows:
            raise ValueError("it holds no epoch")
        return rows
    except (OSError, ValueError, TypeError) as error:
        raise Refusal(f"{path} cannot be read: {error}") from error


class Predictions(NamedTuple):
    """Of the reported checkpoint over the test images.

    Attributes:
        logits: float32 ``(n, classes)``.
        labels: int64 ``(n,)``.
        sample_ids: str ``(n,)``.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    sample_ids: NDArray[np.str_]


def read_predictions(path: Path) -> Predictions:
    """Reads what :func:`save_predictions` wrote.

    Raises:
        Refusal: it is missing, or something else stands there.
    """
    return Predictions(**read_arrays(path, Predictions._fields))


def save_predictions(path: Path, logits: NDArray[np.float32], arrays: ImageArrays) -> None:
    """Writes logits ``(n, classes)``, labels ``(n,)`` and sample ids ``(n,)``, compressed."""
    write_arrays(path, Predictions(logits, arrays.labels, arrays.sample_ids)._asdict())


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes named arrays, compressed."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # it has options of its own
    write_atomically(path, buffer.getvalue())


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Reads what :func:`write_arrays` wrote.

    Raises:
        Refusal: it is missing, lacks a name, or something else stands there.
    """
    try:
        with np.load(path) as file:
            return {name: file[name] for name in names}
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise Refusal(f"{path} cannot be read: {error}; is this a finished run?") from error
