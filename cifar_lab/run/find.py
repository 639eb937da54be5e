"""Finds runs below a folder: all, the newest, the best, or the one that an argument names."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from cifar_lab.analysis.choice import Validated, is_better
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import LATEST, RunFolder
from cifar_lab.run.record import Run
from cifar_lab.wording import plural


def point_latest(outputs: Path, run: Path) -> None:
    """Points ``outputs/latest`` to a run, atomically; does nothing if links cannot be created."""
    temporary = outputs / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(os.path.relpath(run, outputs), target_is_directory=True)
        os.replace(temporary, outputs / LATEST)
    except OSError:
        temporary.unlink(missing_ok=True)


def find_runs(outputs: Path) -> Iterator[Run]:
    """Yields every run below a folder, sorted by name and then by time."""
    for status in sorted(outputs.rglob("status.json")):
        if LATEST not in status.relative_to(outputs).parts:
            yield Run(RunFolder(status.parent))


def find_run(outputs: Path, text: str) -> Run:
    """Finds the run that a command-line argument names.

    Args:
        outputs: the folder of all runs.
        text: the path of a run; ``latest``; ``best``, by validation accuracy and, of equal ones, by
            validation loss; or a part of the path of exactly one run.

    Raises:
        Refusal: no run matches, or several do.
    """
    # Resolved, so that neither a link nor a dot becomes the name of a run.
    for path in (Path(text), *([outputs / LATEST] if text == LATEST else [])):
        if RunFolder(path).exists():
            return Run(RunFolder.below_current(str(path.resolve())))
    runs = list(find_runs(outputs))
    if text == "best":
        return _best(outputs, runs)
    fitting = [run for run in runs if text in run.folder.path.as_posix()]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(run.folder.path.as_posix() for run in fitting[:5])
        raise Refusal(
            f"RUN={text} matches {len(fitting)} runs: {shown}; give a longer part of the path"
        )
    raise Refusal(
        f"RUN={text} is not a run below {outputs}/ ({plural(len(runs), 'run', 'runs')} there); "
        "give a path, 'latest', 'best' or a part of a path; `cifar-lab ls` lists the runs"
    )


def _best(outputs: Path, runs: list[Run]) -> Run:
    best: tuple[Validated, Run] | None = None
    # Sorted by date and time: of equal runs, the earlier one is kept.
    for run in sorted(runs, key=lambda each: each.folder.path.parts[-2:]):
        with contextlib.suppress(Refusal):  # unfinished or damaged
            validation = run.summary.validation
            if validation is None:
                continue
            found = Validated(validation.accuracy, validation.loss)
            if best is None or is_better(found, best[0]):
                best = found, run
    if best is None:
        raise Refusal(
            f"RUN=best: no finished run below {outputs}/ has a validation accuracy to rank it by"
        )
    return best[1]
