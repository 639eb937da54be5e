"""Runs as rows of a list: what is told of each, in which order, and a sweep's on one line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cifar_lab.refusal import Refusal
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Result, Summary, ValidationResult
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import percent


@dataclass(frozen=True)
class Row:
    """What a list tells of a run. None is what the run does not have, or not yet.

    Attributes:
        path: of its folder.
        sweep: path of its sweep's folder; None for a run of its own.
        state: ``running``, ``done``, ``failed``, ``interrupted`` or ``died``.
        started: in ISO 8601 with time zone.
        damaged: what is wrong with the first file that could not be read.
        name, dataset, model, parameters, multiply_adds, epochs_trained, epochs_planned,
            training_seconds: as in its summary.
        val_accuracy, val_loss, test_accuracy, test_loss: of the reported checkpoint; accuracies are
            0 to 1, losses that are not finite are None.
        seed, precision, hardware: as in its provenance.
        tags, note: as in its labels.
    """

    path: str
    sweep: str | None
    state: str
    started: str | None
    damaged: str | None
    name: str | None
    dataset: str | None
    model: str | None
    parameters: int | None
    multiply_adds: int | None
    epochs_trained: int | None
    epochs_planned: int | None
    val_accuracy: float | None
    val_loss: float | None
    test_accuracy: float | None
    test_loss: float | None
    training_seconds: float | None
    seed: int | None
    precision: str | None
    hardware: str | None
    tags: tuple[str, ...]
    note: str


#: Names of a row's values, by which a list can be sorted, and those of the columns that show them.
COLUMNS = {field.name: field.name for field in fields(Row)} | {
    "run": "path",
    "epochs": "epochs_trained",
    "validation": "val_accuracy",
    "test": "test_accuracy",
}
#: Columns in which more is better, sorted from the largest.
DESCENDING = ("val_accuracy", "test_accuracy")


def row_of(run: Run) -> Row:
    """Read what a list tells of a run; of a damaged one, what can be read."""
    path = run.folder.path
    sweep = SweepFolder(path.parent)
    values: dict[str, Any] = dict.fromkeys((field.name for field in fields(Row)), None)
    values |= {"path": path.as_posix(), "state": run.state, "tags": (), "note": ""}
    values["sweep"] = sweep.path.as_posix() if sweep.exists() else None
    for read in (_started, _result, _made, _labels):
        try:
            values |= read(run)
        except Refusal as refusal:
            values["damaged"] = values["damaged"] or refusal.problems[0]
    return Row(**values)


def _started(run: Run) -> dict[str, Any]:
    try:
        return {"started": run.status.started}
    except Refusal:  # never started, or its state tells that something is wrong
        return {}


def _result(run: Run) -> dict[str, Any]:
    if not run.finished:
        return {}
    summary: Summary = run.summary
    return {
        "name": summary.name,
        "dataset": summary.dataset,
        "model": summary.model,
        "parameters": summary.parameters,
        "multiply_adds": summary.multiply_adds,
        "epochs_trained": summary.epochs_trained,
        "epochs_planned": summary.epochs_planned,
        "training_seconds": summary.training_seconds,
        **_accuracy_and_loss("val", summary.validation),
        **_accuracy_and_loss("test", summary.test),
    }


def _accuracy_and_loss(split: str, found: ValidationResult | Result | None) -> dict[str, Any]:
    if found is None:
        return {}
    loss = found.loss if math.isfinite(found.loss) else None
    return {f"{split}_accuracy": found.accuracy, f"{split}_loss": loss}


def _made(run: Run) -> dict[str, Any]:
    if not (run.began or run.finished):
        return {}
    made = run.provenance
    return {"seed": made.seed, "precision": made.precision, "hardware": made.hardware}


def _labels(run: Run) -> dict[str, Any]:
    return {"tags": run.labels.tags, "note": run.labels.note}


def in_order(
    rows: Sequence[Row], value: Callable[[Row], Any], descending: bool = False
) -> list[Row]:
    """Sort rows by a value: numbers before texts, and rows without one last in either direction."""

    def rank(row: Row) -> tuple[bool, float, str]:
        found = value(row)
        is_number = isinstance(found, (int, float))
        return not is_number, found if is_number else 0.0, "" if is_number else str(found)

    known = sorted(
        (row for row in rows if value(row) not in (None, "", ())), key=rank, reverse=descending
    )
    return known + [row for row in rows if value(row) in (None, "", ())]


def folded(rows: Sequence[Row], opened: Callable[[str], bool]) -> list[Row | list[Row]]:
    """Put the rows of each sweep in one list, at the place of the first of them.

    Args:
        rows: in order.
        opened: tells by the path of a sweep whether its rows stay by themselves.
    """
    lines: list[Row | list[Row]] = []
    jobs: dict[str, list[Row]] = {}
    for row in rows:
        if row.sweep is None or opened(row.sweep):
            lines.append(row)
        elif row.sweep in jobs:
            jobs[row.sweep].append(row)
        else:
            jobs[row.sweep] = [row]
            lines.append(jobs[row.sweep])
    return lines


def sweep_in_words(jobs: Sequence[Row], total: int, planned: int = 0) -> str:
    """Describe a sweep: ``sweep: 10 of 12 done, 1 failed  best validation 91.20 %``.

    Args:
        jobs: those of its jobs that are listed.
        total: how many jobs have a folder.
        planned: how many jobs its plan has; 0 if that is not known.
    """
    states = Counter(row.state for row in jobs)
    chosen = "" if len(jobs) == total else f"{len(jobs)} of {total} jobs match, "
    others = [f"{n} {state}" for state, n in sorted(states.items()) if state != "done"]
    others += [f"{planned - total} not started"] if planned > total else []
    text = ", ".join([f"sweep: {chosen}{states['done']} of {len(jobs)} done", *others])
    reached = [row.val_accuracy for row in jobs if row.val_accuracy is not None]
    return f"{text}  best validation {percent(max(reached))}" if reached else text
