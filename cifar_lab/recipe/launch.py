"""Starts runs: composed, checked, built, claimed, run. Plain functions over plain data.

What is process-wide, such as signals, is the caller's: ``listening`` is entered around what a
signal may interrupt, and gives whether one did.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from cifar_lab import assembly
from cifar_lab.assembly import Experiment
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.config.contradictions import looking_on_one_device
from cifar_lab.config.differences import differences
from cifar_lab.config.preflight import Preflight, preflight, sweep_jobs
from cifar_lab.config.saved import rerun as rerun_config
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.recipe import open as opened
from cifar_lab.recipe.find_lr import find_lr as run_tests
from cifar_lab.recipe.processes import follow
from cifar_lab.recipe.train import run_experiment
from cifar_lab.refusal import Refusal
from cifar_lab.run.find import OUTPUTS, new_folder, point_latest
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.origin import Origin
from cifar_lab.run.record import Run
from cifar_lab.run.status import claim
from cifar_lab.run.summary import Summary

Listening = Callable[[], AbstractContextManager[StopRequest]]


def prepared(composer: Composer, overrides: Sequence[str]) -> tuple[Preflight, Experiment]:
    """The configuration of overrides, checked, and its experiment, built.

    Raises:
        Refusal: every problem; nothing was written, decoded or downloaded.
    """
    found = preflight(composer, overrides)
    return found, built(found)


def built(found: Preflight, download: bool = True) -> Experiment:
    """Builds what was composed, or refuses with every problem of both steps.

    Args:
        found: the configuration and what is wrong with it.
        download: whether images that are missing may be downloaded, where the data set allows it.

    Raises:
        Refusal: there are problems; nothing was written, decoded or downloaded.
    """
    if not found.resolved:
        raise Refusal(found.problems)
    config = found.job()
    tried = assembly.Tried()
    refused = assembly.problems(config, found.groups, tried)
    if found.problems or refused:
        raise Refusal([*found.problems, *refused])
    if not download and "download" in config["dataset"]:
        config["dataset"]["download"] = False
    return assembly.experiment(config, tried)


def start(
    composer: Composer,
    found: Preflight,
    experiment: Experiment,
    command: str,
    listening: Listening,
) -> Summary | None:
    """Claims the run's folder and runs the experiment in it.

    Args:
        composer: of the configuration.
        found: the configuration, without a problem.
        experiment: built from it.
        command: repeats the run.
        listening: around the run.

    Returns:
        The summary; None in a process that another one leads, which trains along.

    Raises:
        Refusal: the folder cannot be written, or is another run's.
    """
    if not experiment.engine.world.leads:
        follow(experiment)
        return None
    folder = RunFolder.below_current(str(found.config.hydra.run.dir))
    claim(folder)
    origin = Origin(command, differences(found.job(), job_part(found.defaults)))
    summary: Summary = composer.launch(
        found.config, lambda _: _run(experiment, folder, origin, listening)
    )
    return summary


def sweep(composer: Composer, overrides: Sequence[str], listening: Listening) -> None:
    """Runs a job for each combination of the overrides' values, after all were checked.

    Raises:
        Refusal: what is wrong with any of them, all at once; nothing was run.
    """
    _refuse_wrong_jobs(composer, overrides)
    defaults = job_part(composer.compose([]))

    def job(config: dict[str, Any], path: str, own: list[str]) -> None:
        experiment = assembly.experiment(config)
        folder = RunFolder.below_current(path)
        claim(folder)
        origin = Origin(train_command(composer, own), differences(config, defaults))
        _run(experiment, folder, origin, listening)

    composer.sweep(overrides, job)


def _refuse_wrong_jobs(composer: Composer, overrides: Sequence[str]) -> None:
    """Refuses a sweep with the problems of all of its jobs; each choice of a part is tried once."""
    problems: dict[str, None] = {}
    tried = assembly.Tried()
    for job_overrides in sweep_jobs(overrides):
        found = preflight(composer, job_overrides)
        problems.update(dict.fromkeys(found.problems))
        if found.resolved:
            any_seed = {**found.job(), "seed": 0}  # what can be built with one, can with all
            problems.update(dict.fromkeys(assembly.problems(any_seed, found.groups, tried)))
    if problems:
        raise Refusal(list(problems))


def resume(run: Run, overrides: Sequence[str], listening: Listening) -> None:
    """Goes on with an interrupted run, in its own folder.

    Raises:
        Refusal: it is done or runs, or cannot be taken up here.
    """
    path = run.folder.path
    if run.state == "done":
        raise Refusal(f"{path} is done; `cifar-lab rerun` begins it anew")
    if run.state == "running":
        raise Refusal(f"{path} still runs, in another process")
    experiment = opened.experiment(run, overrides)
    if experiment.engine.unmet_needs():
        raise Refusal(experiment.engine.unmet_needs())
    if not experiment.engine.world.leads:
        follow(experiment)
        return
    origin = Origin(shlex.join(["cifar-lab", "rerun", str(path)]), differences=[])
    with listening() as stop:
        run_experiment(experiment, run, run.provenance.origin if run.began else origin, stop)


def rerun(run: Run, overrides: Sequence[str]) -> tuple[Composer, Preflight, list[str]]:
    """A run's saved configuration with changes, composed and checked.

    Returns:
        What composed it; the configuration, with its problems; the earlier run's overrides that
        were dropped, as the changes replace them.

    Raises:
        Refusal: what the run keeps cannot be read, or no longer composes.
    """
    composer = Composer(run.config_dir)
    found, dropped = rerun_config(composer, run, overrides)
    return composer, found, dropped


def find_lr(composer: Composer, overrides: Sequence[str], command: str) -> None:
    """Looks for a learning rate, in a folder of its own.

    Args:
        composer: of the configuration.
        overrides: of the command line.
        command: repeats the tests.

    Raises:
        Refusal: every problem of the configuration; nothing was written.
        RunFailed: no seed suggests a learning rate.
    """
    found = preflight(composer, overrides)
    if found.resolved and "trainer" not in found.groups:
        for group, problem in looking_on_one_device(found.job()):
            found.add(group, problem)
    experiment = built(found)
    folder = RunFolder(new_folder(f"find-lr/{experiment.name}"))
    folder.path.mkdir(parents=True)  # before the minutes that the tests may take
    run_tests(experiment, folder, command)


def train_command(composer: Composer, overrides: Sequence[str]) -> str:
    """The command that composes the same configuration."""
    config_dir = [] if composer.config_dir is None else ["--config-dir", composer.config_dir]
    return shlex.join(["cifar-lab", "train", *overrides, *config_dir])


def _run(
    experiment: Experiment, folder: RunFolder, origin: Origin, listening: Listening
) -> Summary:
    _remember_latest(folder, OUTPUTS)
    with listening() as stop:
        return run_experiment(experiment, Run(folder), origin, stop)


def _remember_latest(folder: RunFolder, outputs: Path) -> None:
    """Points ``outputs/latest`` at a run below it."""
    if outputs.resolve() in folder.path.resolve().parents:
        point_latest(outputs, folder.path)
