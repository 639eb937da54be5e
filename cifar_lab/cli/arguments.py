"""Parses command lines, in any order: Hydra's flags and overrides, or a run and overrides."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra._internal.utils import get_args_parser

from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.wording import shortened

if TYPE_CHECKING:
    from cifar_lab.run.record import Run

#: Hydra flags that are rejected: the config path and the main config file are fixed.
UNSUPPORTED = ("config_path", "config_name", "experimental_rerun")


def hydra_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parse with Hydra's own parser; flags and overrides may come in any order.

    Raises:
        Refusal: a flag is unknown, or is a Hydra flag that is not supported.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign,assignment]
    parsed = parser.parse_intermixed_args(list(words))
    for flag in UNSUPPORTED:
        if getattr(parsed, flag) is not None:
            raise Refusal(f"--{flag.replace('_', '-')} is not supported; use --config-dir DIR")
    if not parsed.cfg and (parsed.resolve or parsed.package):
        flag = "--resolve" if parsed.resolve else "--package"
        raise Refusal(f"{flag} only changes what --cfg prints; add --cfg job, or leave it out")
    return parsed


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


def run_and_overrides(words: Sequence[str], verb: str) -> tuple[Run, list[str]]:
    """Return the run named by the only word without ``=``, and the overrides around it.

    Raises:
        Refusal: no run or more than one was named, or a flag was given.
    """
    from cifar_lab.run.find import find_run  # numpy and pydantic are slow to import

    flags = [word for word in words if word.startswith("-")]
    if flags:
        raise Refusal(f"`cifar-lab {verb}` accepts no flags, got {shortened(flags[0])}")
    runs = [w for w in words if "=" not in w and not w.startswith("~")]
    run = one_run(runs, verb)
    return find_run(OUTPUTS, run), [word for word in words if word != run]


def one_run(runs: Sequence[str], verb: str) -> str:
    """Return the only word that names a run.

    Raises:
        Refusal: there is none, or more than one.
    """
    if len(runs) != 1:
        raise Refusal(
            f"`cifar-lab {verb}` needs exactly one RUN, got {len(runs)}; `cifar-lab ls` lists "
            "all runs"
        )
    return runs[0]


def _refuse(message: str) -> None:
    flag, equals, value = message.removeprefix("unrecognized arguments: --").partition("=")
    if equals:
        raise Refusal(
            f"--{flag}={value} is not a flag; write overrides without dashes: {flag}={value}"
        )
    raise Refusal(f"{message}; `cifar-lab --help` shows the usage of each verb")
