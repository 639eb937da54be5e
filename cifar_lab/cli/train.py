"""``train`` and ``check``."""

from __future__ import annotations

import argparse
import contextlib
import gc
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cifar_lab.cli.arguments import hydra_arguments
from cifar_lab.cli.verbs import DONE
from cifar_lab.config.compose import CONFIG_NAME, Composer
from cifar_lab.refusal import Refusal
from cifar_lab.run.find import OUTPUTS
from cifar_lab.run.folder import RunFolder

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from cifar_lab.assembly import Experiment
    from cifar_lab.config.preflight import Preflight
    from cifar_lab.run.origin import Origin


def train(words: list[str]) -> int:
    """Trains one experiment, or with ``-m`` one for each combination of values."""
    flags = hydra_arguments(words)
    composer = Composer(flags.config_dir)
    if _only_prints(flags, composer):
        return DONE
    from cifar_lab.run.console import speak

    speak()
    if flags.multirun:
        return _sweep(composer, flags.overrides)
    with _uncollected():
        from cifar_lab.config.preflight import preflight

        found = preflight(composer, flags.overrides)
        experiment = build_checked(found)
    try:
        launch(composer, found, experiment, train_command(composer, flags.overrides))
    finally:
        gc.unfreeze()
    return DONE


def check(words: list[str]) -> int:
    """Says everything that can be known without training."""
    flags = hydra_arguments(words)
    if flags.cfg or flags.info or flags.hydra_help:
        raise Refusal("`cifar-lab check` takes overrides, -m and --config-dir; train has --cfg")
    composer = Composer(flags.config_dir)
    from cifar_lab.config.preflight import preflight
    from cifar_lab.recipe.check import checks
    from cifar_lab.run.console import speak

    speak()
    jobs = _sweep_jobs(flags.overrides) if flags.multirun else [flags.overrides]
    problems: dict[str, None] = {}
    for job in jobs:
        try:
            found = preflight(composer, job)
            experiment = build_checked(found, download=False)
            if flags.multirun:
                print(f"job: {shlex.join(job)}")
            print("\n".join([*checks(experiment), "this configuration would run"]))
        except Refusal as refusal:
            problems.update(dict.fromkeys(refusal.problems))
    if problems:
        raise Refusal(list(problems))
    return DONE


def build_checked(found: Preflight, download: bool = True) -> Experiment:
    """Builds what was composed, or refuses with every problem of both steps.

    Args:
        found: the configuration and what is wrong with it.
        download: whether images that are missing may be downloaded, where the data set allows it.

    Raises:
        Refusal: there are problems; nothing was written, decoded or downloaded.
    """
    from cifar_lab import assembly

    if not found.resolved:
        raise Refusal(found.problems)
    config = found.job()
    tried, refused = assembly.attempt(config, skip=found.groups)
    if found.problems or refused:
        raise Refusal([*found.problems, *refused])
    if not download and "download" in config["dataset"]:
        config["dataset"]["download"] = False
    return assembly.experiment(config, tried)


def launch(
    composer: Composer, found: Preflight, experiment: Experiment, command: str
) -> dict[str, Any]:
    """Claims the run's folder and runs the experiment in it; gives the summary.

    In a process that another one leads it trains along, and gives nothing.

    Raises:
        Refusal: the folder cannot be written, or is another run's.
    """
    if not experiment.trainer.world.leads:
        from cifar_lab.recipe import follow

        follow(experiment)
        return {}
    from cifar_lab.config.compose import job_part
    from cifar_lab.config.differences import differences
    from cifar_lab.run.origin import Origin
    from cifar_lab.run.status import claim

    folder = RunFolder.below_current(str(found.config.hydra.run.dir))
    claim(folder)
    origin = Origin(command, differences(found.job(), job_part(found.defaults)))

    def job(_: DictConfig) -> dict[str, Any]:
        return _run(experiment, folder, origin)

    summary: dict[str, Any] = composer.launch(found.config, job)
    return summary


def train_command(composer: Composer, overrides: Sequence[str]) -> str:
    """The command that composes the same configuration."""
    config_dir = [] if composer.config_dir is None else ["--config-dir", composer.config_dir]
    return shlex.join(["cifar-lab", "train", *overrides, *config_dir])


def _run(experiment: Experiment, folder: RunFolder, origin: Origin) -> dict[str, Any]:
    from cifar_lab.recipe import remember_latest, run_experiment

    remember_latest(folder, OUTPUTS)
    return run_experiment(experiment, folder, origin)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the search for garbage away from what is imported and built here, until unfrozen.

    Nearly all of these millions of objects stay; searching them again and again takes a tenth of
    the time until the first training step.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _sweep(composer: Composer, overrides: Sequence[str]) -> int:
    from hydra.core.hydra_config import HydraConfig

    from cifar_lab import assembly
    from cifar_lab.config.compose import job_part
    from cifar_lab.config.differences import differences
    from cifar_lab.config.preflight import preflight
    from cifar_lab.run.origin import Origin
    from cifar_lab.run.status import claim

    problems: dict[str, None] = {}
    for job_overrides in _sweep_jobs(overrides):
        found = preflight(composer, job_overrides)
        problems.update(dict.fromkeys(found.problems))
        if found.resolved:
            told = assembly.problems(found.job(), skip=found.groups)
            problems.update(dict.fromkeys(told))
    if problems:
        raise Refusal(list(problems))

    defaults = job_part(composer.compose([]))

    def job(config: DictConfig) -> None:
        plain = job_part(config)
        experiment = assembly.experiment(plain)
        hydra = HydraConfig.get()
        folder = RunFolder.below_current(hydra.runtime.output_dir)
        claim(folder)
        command = train_command(composer, list(hydra.overrides.task))
        _run(experiment, folder, Origin(command, differences(plain, defaults)))

    composer.sweep(overrides, job)
    return DONE


def _sweep_jobs(overrides: Sequence[str]) -> list[list[str]]:
    from cifar_lab.config.preflight import sweep_jobs

    return sweep_jobs(overrides)


def _only_prints(flags: argparse.Namespace, composer: Composer) -> bool:
    """Does what ``--help``, ``--cfg``, ``--info`` or ``--hydra-help`` asks for, if given."""
    from hydra._internal.utils import get_args_parser
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    hydra, overrides = composer.hydra, flags.overrides
    try:
        if flags.help:
            hydra.app_help(config_name=CONFIG_NAME, args_parser=get_args_parser(), args=flags)
        elif flags.hydra_help:
            hydra.hydra_help(config_name=CONFIG_NAME, args_parser=get_args_parser(), args=flags)
        elif flags.cfg and flags.multirun:
            raise Refusal("--cfg shows one job; leave -m and its lists of values away")
        elif flags.cfg:
            hydra.show_cfg(
                config_name=CONFIG_NAME,
                overrides=overrides,
                cfg_type=flags.cfg,
                package=flags.package,
                resolve=flags.resolve,
            )
        elif flags.info:
            hydra.show_info(flags.info, config_name=CONFIG_NAME, overrides=overrides)
        else:
            return False
    except (HydraException, OmegaConfBaseException) as error:
        raise Refusal(" ".join(str(error).split())) from error
    except SystemExit as ending:  # Hydra printed what is wrong with the flags, or what was asked
        if ending.code not in (None, 0):
            raise Refusal("--cfg and --info: see above") from ending
    return True
