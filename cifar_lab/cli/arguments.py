"""Parses command lines, in any order: Hydra's flags and overrides, or a run and overrides."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.utils import get_args_parser

from cifar_lab.cli.verbs import VERBS
from cifar_lab.config.habits import flag_problems
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS

if TYPE_CHECKING:
    from cifar_lab.config.compose import Composer
    from cifar_lab.run.record import Run

#: Flags of a sweep, and how they are parsed.
SWEEP_FLAGS: dict[str, dict[str, Any]] = {
    "--set": {"action": "append", "default": [], "dest": "sets"},
    "--exclude": {"action": "append", "default": [], "dest": "excluded"},
    "--dry-run": {"action": "store_true"},
    "--no-timing": {"action": "store_true"},
}
#: Hydra flags that are rejected: the config path and the main config file are fixed.
UNSUPPORTED = ("config_path", "config_name", "experimental_rerun")


def hydra_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse with Hydra's own parser; flags and overrides may come in any order.

    Raises:
        Refusal: a flag is unknown, or is a Hydra flag that is not supported.
    """
    habits = flag_problems(words)
    if habits:
        raise Refusal(habits)
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign,assignment]
    for flag, options in SWEEP_FLAGS.items():
        parser.add_argument(flag, **options)
    parsed = parser.parse_intermixed_args(list(words))
    for flag in UNSUPPORTED:
        if getattr(parsed, flag) is not None:
            raise Refusal(f"--{flag.replace('_', '-')} is not supported; use --config-dir DIR")
    if not parsed.multirun:
        _refuse_flags_of_a_sweep(parsed)
    if not parsed.cfg and (parsed.resolve or parsed.package):
        flag = "--resolve" if parsed.resolve else "--package"
        raise Refusal(f"{flag} only changes what --cfg prints; add --cfg job, or leave it out")
    return parsed


def _refuse_flags_of_a_sweep(parsed: argparse.Namespace) -> None:
    for flag, options in SWEEP_FLAGS.items():
        if getattr(parsed, options.get("dest", flag[2:].replace("-", "_"))):
            raise Refusal(f"{flag} belongs to a sweep; add -m")


def overrides_only(words: Sequence[str], verb: str) -> argparse.Namespace:
    """Parse overrides and ``--config-dir`` for a verb that accepts no other flag.

    Raises:
        Refusal: any other flag was given.
    """
    parsed = hydra_arguments(words)
    for flag in ("multirun", "cfg", "info", "hydra_help"):
        if getattr(parsed, flag):
            raise Refusal(
                f"`cifar-lab {verb}` accepts only overrides and --config-dir, got --{flag}"
            )
    return parsed


def run_and_overrides(words: Sequence[str], verb: str) -> tuple[Run, list[str], Given]:
    """Return the run named by the only word that is not an override, and all around it.

    Raises:
        Refusal: no run or more than one was named, or another flag was given.
    """
    words, given = code_flags(words, verb)
    flags = [word for word in words if word.startswith("-")]
    if flags:
        raise Refusal(
            f"`cifar-lab {verb}` accepts no flags but --config-dir DIR, --trust and --as-recorded, "
            f"got {flags[0]}"
        )
    runs, overrides = runs_and_overrides(words)
    return named_run(one_run(runs, verb)), overrides, given


def code_flags(words: Sequence[str], verb: str) -> tuple[list[str], Given]:
    """Split off what says whose Python files a run's parts may come from.

    Args:
        words: on the command line.
        verb: its name; the flags are those of its help.

    Returns:
        The other words, and what the flags say.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = _refuse  # type: ignore[method-assign,assignment]
    parser.add_argument("--config-dir", "-cd")
    parser.add_argument(VERBS[verb].trust, action="store_true", dest="trusted")
    if VERBS[verb].as_recorded:
        parser.add_argument("--as-recorded", action="store_true")
    flags, others = parser.parse_known_args(list(words))
    return others, Given(flags.config_dir, flags.trusted, getattr(flags, "as_recorded", False))


def composer_of(flags: argparse.Namespace) -> Composer:
    """Return what composes a command line; say so if ``./conf`` is left out.

    Raises:
        Refusal: ``--config-dir`` is not a directory.
    """
    from cifar_lab.config.own_folder import composer_for, has_main_configuration

    if flags.config_dir is None and has_main_configuration(Path.cwd()):
        print(
            "note: ./conf has a config.yaml and may be another program's, so it is not used; add "
            "--config-dir conf to use it",
            file=sys.stderr,
        )
    return composer_for(flags.config_dir)


def without_config_dir(words: Sequence[str]) -> list[str]:
    """Return the words of a command line except ``--config-dir`` and its value."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd")
    return parser.parse_known_args(list(words))[1]


def runs_and_overrides(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell words that name runs from overrides: an existing path with ``=`` in it is a run."""

    def is_override(word: str) -> bool:
        return ("=" in word or word.startswith("~")) and not os.path.exists(word)

    runs = [word for word in words if not is_override(word)]
    return runs, [word for word in words if is_override(word)]


def named_run(word: str) -> Run:
    """Find the run that a word names; say so if its files cannot be verified.

    Raises:
        Refusal: no run matches, or several do.
    """
    from cifar_lab.run.find import find_run  # numpy and pydantic are slow to import

    run = find_run(OUTPUTS, word)
    if run.id is None:
        print(
            f"note: {run.folder.path} has no manifest.json, as it was made by an older version: "
            "its files are not verified",
            file=sys.stderr,
        )
    return run


def one_run(runs: Sequence[str], verb: str) -> str:
    """Return the only word that names a run.

    Raises:
        Refusal: there is none, or more than one.
    """
    if len(runs) != 1:
        raise Refusal(
            f"`cifar-lab {verb}` needs exactly one RUN, got {len(runs)}; `cifar-lab ls` lists "
            "all runs, and one whose path contains '=' is named by its whole path"
        )
    return runs[0]


def _refuse(message: str) -> None:
    flag, equals, value = message.removeprefix("unrecognized arguments: --").partition("=")
    if equals:
        raise Refusal(
            f"--{flag}={value} is not a flag; write overrides without dashes: {flag}={value}"
        )
    raise Refusal(f"{message}; `cifar-lab --help` shows the usage of each verb")
