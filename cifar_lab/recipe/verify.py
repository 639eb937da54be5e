"""Verifies a whole run: that each of its files is the one it wrote, and that they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch

from cifar_lab.analysis.predictions import correct
from cifar_lab.config.saved import restored
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal
from cifar_lab.run.believed import own_code
from cifar_lab.run.checkpoint import load_checkpoint
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Summary


def refuse_faulty(runs: Sequence[Run], given: Given = Given()) -> None:  # noqa: B008
    """Refuse runs that are not finished and whole, with the problems of all of them at once.

    Args:
        runs: the runs.
        given: whose Python files their configurations may name.

    Raises:
        Refusal: with every problem; each names the file.
    """
    problems = [problem for run in runs for problem in faults(run, given)]
    if problems:
        raise Refusal(problems)


def faults(run: Run, given: Given = Given()) -> list[str]:  # noqa: B008  # immutable
    """Return what is wrong with a run that should be finished, one sentence each.

    Args:
        run: the run.
        given: whose Python files its configuration may name.
    """
    path = run.folder.path
    if not run.finished:
        return [f"{path} is not finished: it has no summary.json"]
    if run.state != "done":
        return [f"{path} is not done but {run.state}; continue it with `cifar-lab resume {path}`"]
    problems = list(_unreadable(run, given))
    return problems or [f"{path}: {problem}" for problem in _contradictions(run)]


def _unreadable(run: Run, given: Given) -> Iterator[str]:
    """Read every file once: those with a meaning as what they are, the others as bytes."""
    folder, files = run.folder, run.files
    parts: dict[Any, Callable[[], Any]] = {
        folder.summary: lambda: run.summary,
        folder.provenance: lambda: run.provenance,
        folder.metrics: lambda: run.metrics,
        folder.predictions: lambda: run.predictions,
        folder.config: lambda: _refuse_configuration(run, given),
        folder.overrides: lambda: run.overrides,
        folder.code: lambda: run.code,
        folder.lr_finder: lambda: run.lr_finder,
        folder.trust: lambda: run.maps.trust,
        folder.robustness: lambda: run.robustness,
    }
    manifest = files.manifest
    if manifest is None:
        best = folder.best_checkpoint
        if best.is_file():
            parts[best] = lambda: load_checkpoint(best, torch.device("cpu"), files)
    else:
        parts[folder.data] = lambda: run.data
        listed = [folder.path / name for name in manifest.files]
        rest = [path for path in listed if path not in parts or not path.is_file()]
        parts |= {path: partial(files.read, path) for path in rest}
    for read in parts.values():
        try:
            read()
        except Refusal as refusal:
            yield from refusal.problems
        except OSError as error:
            yield str(error)


def _refuse_configuration(run: Run, given: Given) -> None:
    found = restored(run, [], own_code(run, given))
    if found.problems:
        raise Refusal([f"{run.folder.config}: {problem}" for problem in found.problems])
    run.config  # noqa: B018  # resolves every interpolation


def _contradictions(run: Run) -> Iterator[str]:
    """Compare the files with each other."""
    summary, rows, config = run.summary, run.metrics, run.config
    epochs = [row["epoch"] for row in rows]
    before = (config.get("extends") or {}).get("epochs", 0)
    if epochs != list(range(before + 1, summary.epochs_trained + 1)):
        yield (
            f"metrics.csv must have a row for each of the {summary.epochs_trained - before} epochs "
            f"in summary.json, got {len(rows)}"
        )
        return
    yield from _contradicting_metrics(summary, rows)
    yield from _contradicting_predictions(run)
    if summary.name != config["name"]:
        yield f"summary.json is of {summary.name}, but config.yaml of {config['name']}"
    if run.provenance.seed != config["seed"]:
        yield (
            f"provenance.json has seed {run.provenance.seed}, but config.yaml has {config['seed']}"
        )
    if run.files.has(run.folder.data) and run.data.fingerprint != run.provenance.data_fingerprint:
        yield "data.json and provenance.json are of different images: their fingerprints differ"


def _contradicting_metrics(summary: Summary, rows: Sequence[dict[str, float]]) -> Iterator[str]:
    if summary.final and not _equal(summary.final, rows[-1]):
        yield "the last row of metrics.csv is not `final` in summary.json"
    if not 1 <= summary.reported_epoch <= len(rows):
        yield f"summary.json reports epoch {summary.reported_epoch}, but trained {len(rows)}"
    elif summary.validation is not None:
        found = {"val_accuracy": summary.validation.accuracy, "val_loss": summary.validation.loss}
        if not _equal(found, rows[summary.reported_epoch - 1]):
            yield (
                f"row {summary.reported_epoch} of metrics.csv does not have the validation "
                "accuracy and loss in summary.json"
            )


def _contradicting_predictions(run: Run) -> Iterator[str]:
    summary, predictions = run.summary, run.predictions
    for split, result, found in (
        ("test", summary.test, predictions.test),
        ("validation", summary.validation, predictions.validation),
    ):
        if result is None or result.count is None:  # not evaluated; or of an older run
            continue
        if found is None:
            yield f"summary.json has a result for the {split} images, but predictions.npz has none"
            continue
        right, count = int(correct(found.logits, found.labels).sum()), len(found.labels)
        if (count, count - right) != (result.count, result.wrong):
            yield (
                f"{result.wrong} of {result.count} {split} images are wrong by summary.json, but "
                f"{count - right} of {count} by predictions.npz"
            )


def _equal(some: dict[str, float], row: dict[str, float]) -> bool:
    """Whether the values are those of a row; NaN equals NaN."""
    return all(name in row and repr(float(some[name])) == repr(float(row[name])) for name in some)
