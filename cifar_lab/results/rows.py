"""rows.jsonl: the result of each job of a sweep that has ended, a line each."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import Job
from cifar_lab.run.files import as_object, from_object, not_followed
from cifar_lab.run.predictions import read_images
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Begins the reason why a search stopped a run early.
PRUNED = "pruned: "


@dataclass(frozen=True)
class Row:
    """The result of one job.

    Attributes:
        number: of the job.
        state: of the run: done, failed or interrupted.
        error: what ended it; None unless it failed.
        attempts: how many times it was started or continued.
        val_accuracy: of the reported epoch on the validation images, 0 to 1; None without any.
        val_loss: likewise, in nats.
        test_accuracy: on the test images; None if they were not evaluated.
        epochs: completed.
        stopped: why training ended early; None if it did not.
        parameters: of its model.
        multiply_adds: of one forward pass for one image.
        training_seconds: of all epochs, including their evaluation.
        judged_by: the images and the kind of evaluation by which it is judged, in words by name;
            only runs with equal ones may be ranked together.
    """

    number: int
    state: str
    error: str | None
    attempts: int
    val_accuracy: float | None = None
    val_loss: float | None = None
    test_accuracy: float | None = None
    epochs: int = 0
    stopped: str | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    training_seconds: float | None = None
    judged_by: dict[str, str] = field(default_factory=dict)

    @property
    def pruned(self) -> bool:
        """Whether a search stopped it, as it did worse than other trials."""
        return (self.stopped or "").startswith(PRUNED)

    def objective(self, name: str) -> float | None:
        """What the job returns to a sweeper: None if it has no result."""
        if self.state != "done":
            return None
        return {"val_accuracy": self.val_accuracy, "val_loss": self.val_loss}.get(name)


def row_of(job: Job, run: Run) -> Row:
    """Summarise a job that has ended."""
    try:
        status = run.status
        state, error, attempts = run.state, status.error, status.attempts
    except Refusal as refusal:
        state, error, attempts = "failed", refusal.problems[0], 1
    if state != "done":
        return Row(job.number, state, error if state == "failed" else None, attempts)
    result = run.summary
    validation = result.validation
    return Row(
        number=job.number,
        state=state,
        error=None,
        attempts=attempts,
        val_accuracy=None if validation is None else validation.accuracy,
        val_loss=None if validation is None else validation.loss,
        test_accuracy=None if result.test is None else result.test.accuracy,
        epochs=result.epochs_trained,
        stopped=result.stopped,
        parameters=result.parameters,
        multiply_adds=result.multiply_adds,
        training_seconds=result.training_seconds,
        judged_by=judged_by(run),
    )


def judged_by(run: Run, split: Literal["test", "validation"] = "validation") -> dict[str, str]:
    """Describe the images and the evaluation that a run is judged by.

    Args:
        run: a finished run.
        split: by whose images it is judged.
    """
    flips = run.config["trainer"].get("test_time_flips", False)
    images = read_images(run.folder.predictions, split, run.files.read)
    return {
        "data": run.provenance.data_fingerprint[:12],
        f"{split} images": "none" if images is None else _hash_of(*images),
        "test-time flip averaging": "on" if flips else "off",
    }


def _hash_of(labels: NDArray[np.int64], sample_ids: NDArray[np.str_]) -> str:
    digest = hashlib.sha256("\0".join(sample_ids.tolist()).encode())
    digest.update(labels.tobytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def rows_locked(folder: SweepFolder) -> Iterator[None]:
    """Let one process at a time change the rows; works across processes of one machine."""
    with open(folder.rows_lock, "w", opener=not_followed) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def append_row(folder: SweepFolder, row: Row) -> None:
    """Append a row; only inside :func:`rows_locked`.

    A line that a killed process left unfinished is ended first.
    """
    line = json.dumps(as_object(row), ensure_ascii=False, allow_nan=False)
    with open(folder.rows, "a+b", opener=not_followed) as file:
        if file.tell() and not _ends_a_line(file.fileno()):
            file.write(b"\n")
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, 1, size - 1) == b"\n"


def read_rows(folder: SweepFolder) -> dict[int, Row]:
    """Read the latest row of each job, by its number; unfinished lines are left out."""
    if not folder.rows.is_file():
        return {}
    rows: dict[int, Row] = {}
    for line in folder.rows.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError, Refusal):
            row = from_object(folder.rows, json.loads(line), Row)
            rows[row.number] = row
    return rows
