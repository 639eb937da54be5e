"""Finds runs below a folder: all, the newest, the best, or the one that an argument names."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

from cifar_lab.analysis.choice import Validated, is_better
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import LATEST, RunFolder
from cifar_lab.run.record import Run
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


def find_runs(outputs: Path) -> Iterator[Run]:
    """Yields every run below a folder, sorted by path; links are not followed."""
    for place, folders, _ in os.walk(outputs):
        # A hidden folder is not a run yet: it is being claimed.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        folder = RunFolder(Path(place))
        if folder.exists():
            yield Run(folder)


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
    runs = list(find_runs(outputs))
    if text == "best":
        return _opened(_best(outputs, runs))
    fitting = _fitting(runs, text)
    if len(fitting) == 1:
        return _opened(fitting[0])
    if fitting:
        shown = ", ".join(run.folder.path.as_posix() for run in fitting[:5])
        raise Refusal(
            f"RUN={text} matches {len(fitting)} runs: {shown}; give a longer part of the path"
        )
    raise Refusal(
        f"RUN={text} is not a run below {outputs}/ ({plural(len(runs), 'run', 'runs')} there); "
        "give a path, 'latest', 'best' or a part of a path; `cifar-lab ls` lists the runs"
    )


def _opened(run: Run) -> Run:
    run.folder.refuse_links()
    return run


def _fitting(runs: list[Run], text: str) -> list[Run]:
    """The runs below a folder with this path; else with whole names like these; else with a part.

    ``digits`` is therefore not ambiguous only because ``digits2`` exists as well.
    """
    folder, parts = Path(os.path.realpath(text)), PurePath(text).parts
    return (
        [run for run in runs if folder in run.folder.path.resolve().parents]
        or [run for run in runs if _contains(run.folder.path.parts, parts)]
        or [run for run in runs if text in run.folder.path.as_posix()]
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
