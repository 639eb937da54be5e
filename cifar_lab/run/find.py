"""Runs below a folder: all of them, the newest, the best, or the one that a person means."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run

#: Where runs lie, below the current folder.
OUTPUTS = Path("outputs")
#: Name of the link, in the folder of all runs, to the newest run.
LATEST = "latest"
#: Below it and the name of an experiment. One pattern for date and time, or midnight splits it.
PATTERN = "%Y-%m-%d/%H-%M-%S-%f"


def new_folder(name: str) -> Path:
    """Where a run, or whatever else is called so, that starts now is to lie."""
    return OUTPUTS / name / datetime.now().strftime(PATTERN)


def point_latest(outputs: Path, run: Path) -> None:
    """Switches ``outputs/latest`` to a run, atomically; needs links, does nothing without."""
    temporary = outputs / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(os.path.relpath(run, outputs), target_is_directory=True)
        os.replace(temporary, outputs / LATEST)
    except OSError:
        temporary.unlink(missing_ok=True)


def find_runs(outputs: Path) -> Iterator[Run]:
    """Every run below a folder, by name and then by time."""
    for status in sorted(outputs.rglob("status.json")):
        if LATEST not in status.relative_to(outputs).parts:
            yield Run(RunFolder(status.parent))


def find_run(outputs: Path, text: str) -> Run:
    """The run that a person means.

    Args:
        outputs: the folder of all runs.
        text: a run's path; ``latest``; ``best``, by validation accuracy; or a part of one run's
            path.

    Raises:
        Refusal: no run, or several, fit.
    """
    # Resolved, so that a link or a dot does not become a run's name.
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
            f"RUN={text} fits {len(fitting)} runs: {shown}; give a longer part of one path"
        )
    raise Refusal(
        f"RUN={text} is no run below {outputs}/ ({len(runs)} there); give a path, 'latest', 'best' "
        "or a part of a path; `cifar-lab ls` lists the runs"
    )


def _best(outputs: Path, runs: list[Run]) -> Run:
    ranked = []
    for run in runs:
        with contextlib.suppress(Refusal):  # unfinished or damaged
            validation = run.summary.validation
            if validation is not None:
                ranked.append((validation.accuracy, run))
    if not ranked:
        raise Refusal(
            f"RUN=best: no finished run below {outputs}/ has a validation split to be ranked by"
        )
    return max(ranked, key=lambda pair: pair[0])[1]
