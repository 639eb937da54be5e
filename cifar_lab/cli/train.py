"""``train`` and ``check``."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cifar_lab.cli.arguments import OUTPUTS, hydra_arguments
from cifar_lab.cli.main import DONE
from cifar_lab.config.compose import CONFIG_NAME, Composer
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from cifar_lab.build import Experiment
    from cifar_lab.config.preflight import Preflight


def train(words: list[str]) -> int:
    """Trains one experiment, or with ``-m`` one for each combination of values."""
    flags = hydra_arguments(words)
    composer = Composer(flags.config_dir)
    if _only_prints(flags, composer):
        return DONE
    from cifar_lab.config.preflight import preflight
    from cifar_lab.run.console import speak

    speak()
    if flags.multirun:
        return _sweep(composer, flags.overrides)
    found = preflight(composer, flags.overrides)
    launch(composer, found, build_checked(found), train_command(composer, flags.overrides))
    return DONE


def check(words: list[str]) -> int:
    """Says everything that can be known without training."""
    flags = hydra_arguments(words)
    composer = Composer(flags.config_dir)
    from cifar_lab.config.preflight import preflight
    from cifar_lab.run.console import speak

    speak()
    jobs = _sweep_jobs(flags.overrides) if flags.multirun else [flags.overrides]
    problems: dict[str, None] = {}
    for job in jobs:
        try:
            found = preflight(composer, job)
            say_checks(build_checked(found), job if flags.multirun else None)
        except Refusal as refusal:
            problems.update(dict.fromkeys(refusal.problems))
    if problems:
        raise Refusal(list(problems))
    return DONE


def build_checked(found: Preflight) -> Experiment:
    """Builds what was composed, or refuses with every problem of both steps.

    Raises:
        Refusal: there are problems; nothing was written.
    """
    from cifar_lab import build

    config = found.job()
    if found.problems:
        raise Refusal([*found.problems, *build.problems(config, skip=found.groups)])
    return build.experiment(config)


def launch(
    composer: Composer, found: Preflight, experiment: Experiment, command: str
) -> dict[str, Any]:
    """Claims the run's folder and runs the experiment in it; gives the summary.

    Raises:
        Refusal: the folder cannot be written, or is another run's.
    """
    from cifar_lab.run.status import claim

    folder = RunFolder.below_current(str(found.config.hydra.run.dir))
    claim(folder)

    def job(_: DictConfig) -> dict[str, Any]:
        return _run(experiment, folder, command)

    summary: dict[str, Any] = composer.launch(found.config, job)
    return summary


def train_command(composer: Composer, overrides: Sequence[str]) -> str:
    """The command that composes the same configuration."""
    config_dir = [] if composer.config_dir is None else ["--config-dir", composer.config_dir]
    return shlex.join(["cifar-lab", "train", *overrides, *config_dir])


def say_checks(experiment: Experiment, job: Sequence[str] | None) -> None:
    """Tries one batch and prints what a run would be.

    Raises:
        Refusal: the batch cannot be passed through the model.
    """
    from cifar_lab.explain.layers import map_sizes
    from cifar_lab.models.summary import summarise
    from cifar_lab.recipe import try_one_batch

    learner, data, schedule = experiment.learner, experiment.dataset, experiment.schedule
    loss = try_one_batch(experiment)
    size = summarise(learner.model, data.image_size)
    layer = experiment.gradcam_layer
    map_size = map_sizes(learner.model, [layer], data.image_size)[layer]
    rates = [schedule.learning_rate(step) for step in range(schedule.total_steps)]
    if job is not None:
        print(f"job: {shlex.join(job)}")
    rows = {
        "data": f"{len(data.train_indices):,} training, {len(data.val_indices):,} validation, "
        f"{len(data.source.test):,} test images of {data.image_size[0]}×{data.image_size[1]} in "
        f"{len(data.class_names)} classes",
        "model": f"{type(learner.model).__name__}, {size.parameters:,} parameters, "
        f"{size.multiply_adds / 1e6:,.1f} million multiply-adds an image",
        "device": f"{learner.device} in {learner.precision}",
        "one batch": f"forward and backward done, loss {loss:.4f}",
        "schedule": f"{schedule.total_steps:,} steps; learning rate {rates[0]:.4g}, at most "
        f"{max(rates):.4g}, at last {rates[-1]:.4g}",
        "GradCAM": f"at {layer}" + (f", {map_size[0]}×{map_size[1]}" if map_size else ""),
    }
    for name, text in rows.items():
        print(f"{name + ':':<11}{text}")
    print("this configuration would run")


def _run(experiment: Experiment, folder: RunFolder, command: str) -> dict[str, Any]:
    from cifar_lab.recipe import remember_latest, run_experiment

    remember_latest(folder, OUTPUTS)
    return run_experiment(experiment, folder, command)


def _sweep(composer: Composer, overrides: Sequence[str]) -> int:
    from hydra.core.hydra_config import HydraConfig

    from cifar_lab import build
    from cifar_lab.config.compose import job_part
    from cifar_lab.config.preflight import preflight
    from cifar_lab.run.status import claim

    problems: dict[str, None] = {}
    for job_overrides in _sweep_jobs(overrides):
        found = preflight(composer, job_overrides)
        told = [*found.problems, *build.problems(found.job(), skip=found.groups)]
        problems.update(dict.fromkeys(told))
    if problems:
        raise Refusal(list(problems))

    def job(config: DictConfig) -> None:
        experiment = build.experiment(job_part(config))
        hydra = HydraConfig.get()
        folder = RunFolder.below_current(hydra.runtime.output_dir)
        claim(folder)
        _run(experiment, folder, train_command(composer, list(hydra.overrides.task)))

    composer.sweep(overrides, job)
    return DONE


def _sweep_jobs(overrides: Sequence[str]) -> list[list[str]]:
    from cifar_lab.config.preflight import sweep_jobs

    return sweep_jobs(overrides)


def _only_prints(flags: argparse.Namespace, composer: Composer) -> bool:
    """Does what ``--help``, ``--cfg``, ``--info`` or ``--hydra-help`` asks for, if given."""
    from hydra._internal.utils import get_args_parser
    from hydra.errors import HydraException

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
    except HydraException as error:
        raise Refusal(" ".join(str(error).split())) from error
    return True
