"""``train`` and ``check``."""

from __future__ import annotations

import argparse
import shlex

from cifar_lab.cli.arguments import composer_of, hydra_arguments
from cifar_lab.cli.terminal import announce
from cifar_lab.cli.verbs import DONE
from cifar_lab.config.compose import CONFIG_NAME, Composer
from cifar_lab.refusal import Refusal


def train(words: list[str]) -> int:
    """Train one experiment or, with ``-m``, one for each combination of values."""
    flags = hydra_arguments(words)
    composer = composer_of(flags)
    if _only_prints(flags, composer):
        return DONE
    announce("loading")
    if flags.multirun:
        from cifar_lab.cli.sweep import sweep

        return sweep(composer, flags)
    from cifar_lab.cli.process import gc_paused, gc_unfrozen, listening, speak

    speak()
    with gc_unfrozen():
        with gc_paused():
            from cifar_lab.recipe import launch

            found, experiment = launch.prepared(composer, flags.overrides)
        command = launch.train_command(composer, flags.overrides)
        launch.start(composer, found, experiment, command, listening)
    return DONE


def check(words: list[str]) -> int:
    """Report everything that can be known without training."""
    flags = hydra_arguments(words)
    if flags.cfg or flags.info or flags.hydra_help:
        raise Refusal(
            "`cifar-lab check` accepts only overrides, -m and --config-dir; use `cifar-lab train` "
            "for --cfg, --info and --hydra-help"
        )
    composer = composer_of(flags)
    announce("loading")
    from cifar_lab.cli.process import speak
    from cifar_lab.config.space import Request
    from cifar_lab.recipe.check import checked

    speak()
    request = Request(tuple(flags.overrides), tuple(flags.sets), tuple(flags.excluded))
    for job, lines in checked(composer, request, flags.multirun):
        if flags.multirun:
            print(f"job: {shlex.join(job)}")
        print("\n".join([*lines, "this configuration would run"]))
    return DONE


def _only_prints(flags: argparse.Namespace, composer: Composer) -> bool:
    """Print what ``--help``, ``--cfg``, ``--info`` or ``--hydra-help`` asks for, if given."""
    from hydra._internal.utils import get_args_parser

    from cifar_lab.config.overrides import refuse_unreadable
    from cifar_lab.config.reasons import CANNOT_COMPOSE, reason

    if not (flags.help or flags.hydra_help or flags.cfg or flags.info):
        return False
    hydra, overrides = composer.hydra, flags.overrides
    refuse_unreadable(overrides, composer.loader)  # Hydra would take minutes for very many
    try:
        if flags.help:
            hydra.app_help(config_name=CONFIG_NAME, args_parser=get_args_parser(), args=flags)
        elif flags.hydra_help:
            hydra.hydra_help(config_name=CONFIG_NAME, args_parser=get_args_parser(), args=flags)
        elif flags.cfg and flags.multirun:
            raise Refusal("--cfg shows a single job; remove -m and give each key one value")
        elif flags.cfg:
            _print_configuration(flags, composer)
        else:
            hydra.show_info(flags.info, config_name=CONFIG_NAME, overrides=overrides)
    except CANNOT_COMPOSE as error:
        from cifar_lab.config.preflight import preflight  # pydantic loads slowly

        raise Refusal(preflight(composer, overrides).problems or reason(error)) from error
    except SystemExit as ending:  # Hydra exits after printing an error or the requested text
        if ending.code not in (None, 0):
            raise Refusal("--info failed; see the message above") from ending
    return True


def _print_configuration(flags: argparse.Namespace, composer: Composer) -> None:
    from omegaconf import OmegaConf

    if flags.package and flags.cfg == "job":
        config = composer.compose(flags.overrides)
        if OmegaConf.select(config, flags.package, throw_on_missing=False) is None:
            keys = ", ".join(str(key) for key in config if key != "hydra")
            raise Refusal(
                f"--package={flags.package}: there is no such key; the first level has {keys}"
            )
    composer.hydra.show_cfg(
        config_name=CONFIG_NAME,
        overrides=flags.overrides,
        cfg_type=flags.cfg,
        package=flags.package,
        resolve=flags.resolve,
    )
