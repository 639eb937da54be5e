"""Finds runs below a folder: all, the newest, the best, or the one that an argument names."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path, PurePath

from cifar_lab.analysis.choice import Validated, is_better
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import LATEST, RunFolder, below_current
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import plural

log = logging.getLogger("cifar_lab")


def point_latest(outputs: Path, run: Path) -> None:
    """Points ``outputs/latest`` to a run, atomically; does nothing if links cannot be created.

    Whatever else has this name is the user's own, and is left as it is.
    """
    latest = outputs / LATEST
    if os.path.lexists(latest) and not _is_ours(latest):
        log.warning(
            f"{latest} is not a link to a run and was left as it is; rename it if `latest` is to "
            "mean the newest run"
        )
        return
    temporary = outputs / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(os.path.relpath(run, outputs), target_is_directory=True)
        os.replace(temporary, latest)
    except OSError:
        temporary.unlink(missing_ok=True)


def repair_latest(outputs: Path) -> None:
    """Points ``outputs/latest`` to the newest run again if the run that it points to is gone."""
    latest = outputs / LATEST
    if not os.path.lexists(latest) or os.path.exists(latest) or not _is_ours(latest):
        return
    newest = newest_run(outputs)
    if newest is None:
        latest.unlink(missing_ok=True)
    else:
        point_latest(outputs, newest.folder.path)


def newest_run(outputs: Path) -> Run | None:
    """The run below a folder that was started last; None if there are no runs."""
    return max(find_runs(outputs), key=_started, default=None)


def _started(run: Run) -> datetime:
    """When a run started; if its status does not tell, when its configuration was written."""
    with contextlib.suppress(Refusal, ValueError):
        return datetime.fromisoformat(run.status.started).astimezone()
    try:
        return datetime.fromtimestamp(run.folder.config.stat().st_mtime, timezone.utc)
    except OSError:
        return datetime.fromtimestamp(0, timezone.utc)


def find_runs(outputs: Path) -> Iterator[Run]:
    """Yields every run below a folder, sorted by path; links are not followed."""
    for folder in find_folders(outputs):
        if isinstance(folder, RunFolder):
            yield Run(folder)


def find_folders(outputs: Path) -> Iterator[RunFolder | SweepFolder]:
    """Yields the folder of every run and every sweep below a folder, likewise."""
    for place, folders, _ in os.walk(outputs):
        # A hidden folder is not a run yet: it is being claimed. Or it is the trash.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        path = Path(place)
        if (sweep := SweepFolder(path)).exists():
            yield sweep
        if (run := RunFolder(path)).exists():
            yield run


def find_sweep(outputs: Path, text: str) -> SweepFolder | None:
    """Finds the sweep that a command-line argument names: by its path, or by the end of it.

    Returns:
        None if no sweep, or more than one, has this path or a path that ends like this.
    """
    path = outputs / LATEST if text == LATEST else Path(text)
    if SweepFolder(path).exists():
        return SweepFolder(below_current(path.resolve()))
    if RunFolder(path).exists():
        return None
    parts = PurePath(text).parts
    sweeps = [each for each in find_folders(outputs) if isinstance(each, SweepFolder)]
    fitting = [each for each in sweeps if parts and each.path.parts[-len(parts) :] == parts]
    return fitting[0] if len(fitting) == 1 else None


def find_run(outputs: Path, text: str) -> Run:
    """Finds the run that a command-line argument names.

    Args:
        outputs: the folder of all runs.
        text: the path of a run; ``latest``; ``best``, by validation accuracy and, of equal ones, by
            validation loss; or a part of the path of exactly one run. Whole names of folders are
            looked for first, then parts of names.

    Raises:
        Refusal: no run matches, or several do; or its folder contains something other than files
            and folders.
    """
    # Resolved, so that neither a link nor a dot becomes the name of a run.
    for path in (Path(text), *([outputs / LATEST] if text == LATEST else [])):
        if RunFolder(path).exists():
            return _opened(Run(RunFolder.below_current(str(path.resolve()))))
    runs = {run.folder.path: run for run in find_runs(outputs)}
    if text == "best":
        return _opened(_best(outputs, list(runs.values())))
    found = fitting(list(runs), text)
    if len(found) == 1:
        return _opened(runs[found[0]])
    if found:
        shown = ", ".join(path.as_posix() for path in found[:5])
        raise Refusal(
            f"RUN={text} matches {len(found)} runs: {shown}; give a longer part of the path"
        )
    raise Refusal(
        f"RUN={text} is not a run below {outputs}/ ({plural(len(runs), 'run', 'runs')} there); "
        "give a path, 'latest', 'best' or a part of a path; `cifar-lab ls` lists the runs"
    )


def _opened(run: Run) -> Run:
    run.folder.refuse_links()
    return run


def fitting(paths: Sequence[Path], text: str) -> list[Path]:
    """The paths below a folder with this path; else with whole names like these; else with a part.

    ``digits`` is therefore not ambiguous only because ``digits2`` exists as well.
    """
    folder, parts = Path(os.path.realpath(text)), PurePath(text).parts
    return (
        [path for path in paths if folder in path.resolve().parents]
        or [path for path in paths if _contains(path.parts, parts)]
        or [path for path in paths if text in path.as_posix()]
    )


def _contains(names: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether the names of ``part`` follow each other somewhere in ``names``."""
    starts = range(len(names) - len(part) + 1) if part else ()
    return any(names[start : start + len(part)] == part for start in starts)


def _is_ours(latest: Path) -> bool:
    """Whether :func:`point_latest` may have made it: a relative link to a place below its folder.

    The run may be gone.
    """
    if not latest.is_symlink():
        return False
    target = PurePath(os.readlink(latest))
    return not target.is_absolute() and ".." not in target.parts


def _best(outputs: Path, runs: list[Run]) -> Run:
    best: tuple[Validated, Run] | None = None
    precisions = set()
    # Sorted by date and time: of equal runs, the earlier one is kept.
    for run in sorted(runs, key=lambda each: each.folder.path.parts[-2:]):
        with contextlib.suppress(Refusal):  # unfinished or damaged
            validation = run.summary.validation
            if validation is None or run.state == "failed":
                continue
            precisions.add(_precision(run))
            found = Validated(validation.accuracy, validation.loss)
            if best is None or is_better(found, best[0]):
                best = found, run
    if best is None:
        raise Refusal(
            f"RUN=best: no finished run below {outputs}/ has a validation accuracy to rank it by"
        )
    chosen = best[1]
    if len(precisions) > 1:
        print(
            f"best: chosen among runs in different precisions ({', '.join(sorted(precisions))}); "
            f"{chosen.folder.path} ran in {_precision(chosen)}",
            file=sys.stderr,
        )
    return chosen


def _precision(run: Run) -> str:
    try:
        return run.provenance.precision
    except Refusal:
        return "an unknown precision"
