"""Starts runs: composes, checks, builds, claims the folder and runs.

Process-wide state, e.g. signal handlers, belongs to the caller: ``listening`` is entered around
work that a signal may interrupt, and its value tells whether one arrived.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from cifar_lab import assembly
from cifar_lab.assembly import Experiment
from cifar_lab.config.compose import Composer, hydra_files, job_part
from cifar_lab.config.contradictions import single_device_search
from cifar_lab.config.differences import differences
from cifar_lab.config.own_folder import command as repeated
from cifar_lab.config.own_folder import found_by_itself
from cifar_lab.config.preflight import Preflight, preflight
from cifar_lab.config.saved import rerun as rerun_config
from cifar_lab.data.arrays import Dataset
from cifar_lab.engine.interrupts import StopRequest
from cifar_lab.own_code import Given, OwnCode
from cifar_lab.recipe import open as opened
from cifar_lab.recipe.find_lr import find_lr as run_tests
from cifar_lab.recipe.processes import follow
from cifar_lab.recipe.starting import refuse_lost_parent, weights_of
from cifar_lab.recipe.train import run_experiment
from cifar_lab.recipe.trial import try_batches
from cifar_lab.refusal import Refusal
from cifar_lab.run.believed import COPIED, config_dir
from cifar_lab.run.changes import changes, say
from cifar_lab.run.claim import claim
from cifar_lab.run.code import Used, used
from cifar_lab.run.console import logged_to
from cifar_lab.run.files import object_text
from cifar_lab.run.find import point_latest
from cifar_lab.run.folder import OUTPUTS, RunFolder
from cifar_lab.run.mine import remember
from cifar_lab.run.origin import Origin
from cifar_lab.run.record import Run
from cifar_lab.run.summary import Summary

log = logging.getLogger("cifar_lab")

Listening = Callable[[], AbstractContextManager[StopRequest]]


def prepared(composer: Composer, overrides: Sequence[str]) -> tuple[Preflight, Experiment]:
    """Check the configuration of the overrides and build its experiment.

    Raises:
        Refusal: with every problem; nothing was written, decoded or downloaded.
    """
    found = preflight(composer, overrides)
    return found, built(found)


def built(found: Preflight, download: bool = True) -> Experiment:
    """Build the experiment, or refuse with the problems of composing and of building.

    Args:
        found: the configuration and its problems.
        download: whether missing images may be downloaded, if the data set allows it.

    Raises:
        Refusal: there are problems; nothing was written, decoded or downloaded.
    """
    say_replaced(found.replaced)
    weights = weights_of(found)
    refuse_lost_parent(found)
    config = found.job()
    tried = assembly.Tried()
    refused = assembly.problems(config, found.groups, tried, weights)
    if found.problems or refused:
        raise Refusal([*found.problems, *refused])
    if not download and "download" in config["dataset"]:
        config["dataset"]["download"] = False
    return assembly.experiment(config, tried, weights=weights)


def images(found: Preflight) -> Dataset:
    """Load the images alone, whatever a run of the configuration would do with them.

    Args:
        found: the configuration and its problems.

    Raises:
        Refusal: there are problems, or the images do not exist.
    """
    say_replaced(found.replaced)
    config = found.job()
    refused = assembly.problems(config, {*found.groups, *config} - {"dataset"})
    if found.problems or refused:
        raise Refusal([*found.problems, *refused])
    if "download" in config["dataset"]:
        config["dataset"]["download"] = False
    return assembly.source(config).load()


def say_replaced(files: Sequence[str]) -> None:
    """Log which options of the user's own are used instead of packaged ones."""
    if files:
        log.info(
            f"your own files are used instead of the packaged ones of the same name: "
            f"{', '.join(files)}"
        )


def start(
    composer: Composer,
    found: Preflight,
    experiment: Experiment,
    command: str,
    listening: Listening,
    recorded: Run | None = None,
) -> Summary | None:
    """Claim the run's folder and run the experiment in it.

    Args:
        composer: composed the configuration.
        found: the configuration; has no problems.
        experiment: built from it.
        command: the command that repeats the run.
        listening: entered around the run.
        recorded: the earlier run whose copies the user's own modules were imported from, if any.

    Returns:
        The summary; None in a follower process, which trains along with its leader.

    Raises:
        Refusal: the folder cannot be written, or is already used by another run.
    """
    try_batches(experiment)
    if not experiment.engine.world.leads:
        follow(experiment)
        return None
    folder = folder_of(found)
    code = used(composer.config_dir, composer.own_code(), experiment.config)
    if code is not None and recorded is not None and recorded.code is not None:
        code = code.taken_from(recorded.id, recorded.code, recorded.is_mine)
    claim_with(folder, hydra_files(found.config), code)
    changed = differences(found.job(), job_part(found.defaults))
    origin = Origin(command, changed, tuple(found.replaced))
    summary: Summary = composer.launch(
        found.config, lambda _: _run(experiment, folder, origin, listening)
    )
    return summary


def folder_of(found: Preflight) -> RunFolder:
    """Return the folder that a configuration names for its run."""
    return RunFolder.below_current(str(found.config.hydra.run.dir))


def resume(run: Run, overrides: Sequence[str], own: OwnCode, listening: Listening) -> None:
    """Continue an interrupted run in its own folder.

    Args:
        run: the run.
        overrides: ``key=value`` for places.
        own: where modules of the user's own may come from.
        listening: entered around the run.

    Raises:
        Refusal: it is done or still running, or cannot be continued here.
    """
    path = run.folder.path
    if run.state == "done":
        raise Refusal(
            f"{path} is done; use `cifar-lab rerun` to run it again, or `cifar-lab extend` to "
            "train it for more epochs"
        )
    if run.state == "running":
        raise Refusal(f"{path} is still running in another process")
    _say_changes(run, own)
    experiment = opened.experiment(run, overrides, own, to_train=True)
    if experiment.engine.unmet_needs():
        raise Refusal(experiment.engine.unmet_needs())
    if not experiment.engine.world.leads:
        follow(experiment)
        return
    origin = Origin(shlex.join(["cifar-lab", "rerun", str(path)]), differences=[])
    with listening() as stop:
        run_experiment(experiment, run, run.provenance.origin if run.began else origin, stop)


def _say_changes(run: Run, own: OwnCode) -> None:
    """Log what has changed of the user's own since the run began; run.log keeps it."""
    changed = changes(run.code, own)
    if changed:
        with logged_to(run.folder):
            say(changed, f"the run continues with the files as they are now; {COPIED}")


def rerun(
    run: Run, overrides: Sequence[str], given: Given
) -> tuple[Composer, Preflight, list[str]]:
    """Apply changes to a run's saved configuration and check it.

    Args:
        run: the earlier run.
        overrides: the changes.
        given: whose Python files and options to use.

    Returns:
        The composer; the configuration with its problems; the earlier run's overrides that were
        dropped because the changes replace them.

    Raises:
        Refusal: the saved configuration could not be read, or no longer composes.
    """
    composer = Composer(config_dir(run, given), opened.code_of(run, given))
    found, dropped = rerun_config(composer, run, overrides)
    if found.refused_choices and composer.config_dir is None and found_by_itself(Path.cwd()):
        found.add(
            "",
            "./conf is not used, as the run was made without it; add --config-dir conf to use it",
        )
    return composer, found, dropped


def find_lr(composer: Composer, overrides: Sequence[str], command: str) -> None:
    """Find a learning rate and save the result in a new folder.

    Args:
        composer: composes the configuration.
        overrides: the overrides on the command line.
        command: the command that repeats the tests.

    Raises:
        Refusal: with every problem of the configuration; nothing was written.
        RunFailed: no seed suggests a learning rate.
    """
    found = preflight(composer, overrides)
    if "trainer" not in found.groups:
        for group, problem in single_device_search(found.job()):
            found.add(group, problem)
    experiment = built(found)
    try_batches(experiment)
    # Where a run of it would lie, apart from the runs.
    place = Path(str(found.config.hydra.run.dir))
    below = place.relative_to(OUTPUTS) if OUTPUTS in place.parents else place
    folder = RunFolder(OUTPUTS / "find-lr" / below)
    folder.path.mkdir(parents=True)  # now, to fail before the tests, which may take minutes
    run_tests(experiment, folder, command)


def train_command(composer: Composer, overrides: Sequence[str]) -> str:
    """Return the command that composes the same configuration."""
    return repeated(composer, ["train", *overrides])


def claim_with(folder: RunFolder, files: dict[str, str], code: Used | None) -> None:
    """Claim a folder; what the run uses of the user's own is copied and remembered.

    Args:
        folder: of the new run.
        files: content of the files in ``.hydra/``, by name.
        code: what it uses of the user's own.
    """
    if code is None:
        claim(folder, files)
        return
    text = object_text(code.code)
    remember(claim(folder, {**files, folder.code.name: text}, code.copies), text)


def keep_code(run: Run, code: Used | None) -> None:
    """Save and remember what a run uses of the user's own, if its folder was claimed without."""
    if code is None or run.id is None:
        return
    text = object_text(code.code)
    copies = {run.folder.path / name: content for name, content in code.copies.items()}
    run.files.write({run.folder.code: text, **copies})
    remember(run.id, text)


def _run(
    experiment: Experiment, folder: RunFolder, origin: Origin, listening: Listening
) -> Summary:
    remember_latest(folder, OUTPUTS)
    with listening() as stop:
        return run_experiment(experiment, Run(folder), origin, stop)


def remember_latest(folder: RunFolder, outputs: Path) -> None:
    """Point ``outputs/latest`` to the run, if it is under ``outputs``."""
    if outputs.resolve() in folder.path.resolve().parents:
        point_latest(outputs, folder.path)
