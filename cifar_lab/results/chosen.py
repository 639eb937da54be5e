"""The runs that words of a command line name: runs, sweeps, globs, and folders of runs."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.results.plan import read_plan
from cifar_lab.run.find import find_run, find_runs, find_sweep, fitting
from cifar_lab.run.folder import LATEST, RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder


def chosen_runs(outputs: Path, words: Sequence[str]) -> list[Run]:
    """Find the runs that words name, each once, in the order of the words.

    Of a sweep, these are its jobs in the order in which they were planned.

    Args:
        outputs: the folder of all runs.
        words: paths of runs, of sweeps or of folders that contain some; globs of these;
            ``latest``; ``best``; or parts of the path of exactly one run or sweep.

    Raises:
        Refusal: with every word that names none.
    """
    problems: list[str] = []
    found: dict[Path, Run] = {}
    for word in words:
        try:
            for run in _named(outputs, word):
                found.setdefault(run.folder.path.resolve(), run)
        except Refusal as refusal:
            problems += refusal.problems
    if problems:
        raise Refusal(list(dict.fromkeys(problems)))
    return list(found.values())


def _named(outputs: Path, word: str) -> list[Run]:
    places = [Path(word)] if Path(word).exists() else []
    places = places or ([outputs / LATEST] if word == LATEST else [])
    if not places and glob.has_magic(word):
        places = [Path(each) for each in sorted(glob.glob(word, recursive=True))]
        places = places or sorted(outputs.glob(word.lstrip("/")))
        if not places:
            raise Refusal(f"RUN={word} matches nothing here and nothing below {outputs}/")
    if not places:
        return _below_outputs(outputs, word)
    runs = [run for place in places for run in _at(place)]
    if not runs and word == LATEST:
        raise Refusal(f"RUN={LATEST}: there is no run in {outputs}/ yet")
    if not runs:
        raise Refusal(f"RUN={word} contains no run; `cifar-lab ls` lists the runs")
    return runs


def _at(place: Path) -> list[Run]:
    """The run or the runs in a folder. A link is followed, so that none becomes a run's name."""
    folder = RunFolder.below_current(str(place.resolve()))
    if SweepFolder(folder.path).exists():
        return _jobs(SweepFolder(folder.path))
    return [Run(folder)] if folder.exists() else list(find_runs(folder.path))


def _jobs(sweep: SweepFolder) -> list[Run]:
    folders = [sweep.job(job.name) for job in read_plan(sweep).jobs]
    return [Run(folder) for folder in folders if folder.exists()]


def _below_outputs(outputs: Path, word: str) -> list[Run]:
    """The run or the sweep that a part of a path names."""
    if word == "best":
        return [find_run(outputs, word)]
    sweep = find_sweep(outputs, word)
    if sweep is not None:
        return _jobs(sweep)
    found = fitting([run.folder.path for run in find_runs(outputs)], word)
    sweeps = {path.parent for path in found}
    if len(found) > 1 and len(sweeps) == 1 and SweepFolder(parent := sweeps.pop()).exists():
        return _jobs(SweepFolder(parent))
    if len(found) > 1:
        raise Refusal(
            f"RUN={word} matches {len(found)} runs; give a longer part of the path, or a folder or "
            f"a glob that names all of them, such as {found[0].parent.as_posix()}"
        )
    return [find_run(outputs, word)]
