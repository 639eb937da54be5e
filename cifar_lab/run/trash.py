"""The trash: runs and sweeps that were removed lie there under their paths, until brought back.

Nothing is ever deleted here. A folder is moved in one step, under the locks of all runs in it, so
that no process starts to write there meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.run.find import find_folders, fitting, newest_run, point_latest, repair_latest
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.status import is_locked, locked
from cifar_lab.run.sweep_folder import SweepFolder

#: Name of the trash in the folder of all runs; it is hidden, so that no run is found there.
TRASH = ".trash"


def remove(outputs: Path, folders: Sequence[RunFolder | SweepFolder]) -> dict[Path, Path]:
    """Move runs and whole sweeps to the trash.

    Args:
        outputs: the folder of all runs.
        folders: what to move; what lies inside another of them is moved with it.

    Returns:
        Where each lay, and where it lies now.

    Raises:
        Refusal: one of them is running, does not lie in ``outputs``, or its place in the trash is
            taken; names every such problem, and nothing was moved.
    """
    chosen = {folder.path.resolve(): folder for folder in folders}
    outer = {path: each for path, each in chosen.items() if not chosen.keys() & set(path.parents)}
    problems = [problem for folder in outer.values() for problem in _obstacles(outputs, folder)]
    if problems:
        raise Refusal(problems)
    moved = {each.path: outputs / TRASH / _below(outputs, each.path) for each in outer.values()}
    try:
        for here, there in moved.items():
            _move(here, there, outputs)
    finally:
        repair_latest(outputs)
    return moved


def removed(outputs: Path) -> list[RunFolder | SweepFolder]:
    """Return the runs and sweeps in the trash, sorted by path; a sweep stands for its jobs."""
    found: list[RunFolder | SweepFolder] = []
    for folder in find_folders(outputs / TRASH):
        if not (found and found[-1].path in folder.path.parents):
            found.append(folder)
    return found


def restore(outputs: Path, texts: Sequence[str]) -> list[Path]:
    """Move runs and sweeps back to where they lay.

    Args:
        outputs: the folder of all runs.
        texts: each a path, before the removal or in the trash, or a part of exactly one.

    Returns:
        Where each lies again.

    Raises:
        Refusal: a text fits nothing in the trash or several things, or a place is taken; names
            every such problem, and nothing was moved.
    """
    trash, problems = outputs / TRASH, []
    places = [folder.path.relative_to(trash) for folder in removed(outputs)]
    found: dict[Path, None] = {}
    for text in texts:
        named = _named(places, _without(text, (trash, outputs)))
        if len(named) != 1:
            problems.append(_unclear(trash, text, named, places))
        elif os.path.lexists(outputs / named[0]):
            problems.append(f"{outputs / named[0]} is taken; move or remove what lies there first")
        found.update(dict.fromkeys(named))
    if problems:
        raise Refusal(problems)
    for place in found:
        _move(trash / place, outputs / place, trash)
    newest = newest_run(outputs)
    if newest is not None and {outputs / place for place in found} & _upwards(newest.folder.path):
        point_latest(outputs, newest.folder.path)
    return [outputs / place for place in found]


def size_bytes(folder: Path) -> int:
    """Return the size of all files below a folder."""
    return sum(
        os.lstat(os.path.join(place, name)).st_size
        for place, _, names in os.walk(folder)
        for name in names
    )


def _obstacles(outputs: Path, folder: RunFolder | SweepFolder) -> list[str]:
    path, trash = folder.path, outputs / TRASH
    if outputs.resolve() not in path.resolve().parents:
        return [f"{path} is not in {outputs}/, which alone has a trash; delete it with `rm -r`"]
    if trash.resolve() in path.resolve().parents:
        return [f"{path} is in the trash already; delete it for good with `rm -r {path}`"]
    running = [each.path for each in find_folders(path) if is_locked(each)]
    if running:
        return [f"{each} is still running in another process; stop it first" for each in running]
    there = trash / _below(outputs, path)
    if os.path.lexists(there):
        return [
            f"{path} cannot be moved to the trash, as {there} already exists; restore that, or "
            f"delete it for good with `rm -r {there}`"
        ]
    return []


def _move(here: Path, there: Path, top: Path) -> None:
    """Move a folder; folders that it leaves empty are removed, up to ``top``."""
    there.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as locks:
        # Jobs before their sweep, as taking a lock clears what a killed process left below it.
        for folder in reversed(list(find_folders(here))):
            locks.enter_context(locked(folder))
        os.rename(here, there)
    for parent in here.parents:
        if parent == top or top not in parent.parents:
            break
        with contextlib.suppress(OSError):  # not empty
            parent.rmdir()


def _below(outputs: Path, path: Path) -> Path:
    return path.resolve().relative_to(outputs.resolve())


def _without(text: str, folders: Sequence[Path]) -> str:
    """Return a path as it is below the first of the folders that it lies in."""
    for folder in folders:
        with contextlib.suppress(ValueError):
            return Path(os.path.abspath(text)).relative_to(folder.absolute()).as_posix()
    return text


def _named(places: Sequence[Path], text: str) -> list[Path]:
    """Return the place with this path, else all that it is a part of."""
    return [place for place in places if place == Path(text)] or fitting(places, text)


def _unclear(trash: Path, text: str, named: Sequence[Path], places: Sequence[Path]) -> str:
    if named:
        shown = ", ".join(place.as_posix() for place in named[:5])
        return f"{text} matches {len(named)} in {trash}: {shown}; give a longer part of the path"
    return (
        f"{text} is not in {trash} ({len(places)} there); `cifar-lab restore` lists what can be "
        "restored"
    )


def _upwards(path: Path) -> set[Path]:
    return {path, *path.parents}
