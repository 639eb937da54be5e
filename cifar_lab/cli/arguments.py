"""Words of a command line, in any order: Hydra's flags and overrides, or a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hydra._internal.utils import get_args_parser

from cifar_lab.refusal import Refusal
from cifar_lab.run.find import OUTPUTS, find_run
from cifar_lab.run.record import Run

#: Hydra's flags that mean nothing here: the groups and the main file are fixed.
UNSUPPORTED = ("config_path", "config_name", "experimental_rerun")


def hydra_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Parses with Hydra's own parser, flags and overrides in any order.

    Raises:
        Refusal: an unknown flag, or one of Hydra's that is not supported.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign,assignment]
    parsed = parser.parse_intermixed_args(list(words))
    for flag in UNSUPPORTED:
        if getattr(parsed, flag) is not None:
            raise Refusal(f"--{flag.replace('_', '-')} is not supported; use --config-dir DIR")
    return parsed


def overrides_only(words: Sequence[str], verb: str) -> argparse.Namespace:
    """Parses overrides and ``--config-dir`` for a verb that takes no other flag.

    Raises:
        Refusal: another flag was given.
    """
    parsed = hydra_arguments(words)
    for flag in ("multirun", "cfg", "info", "hydra_help"):
        if getattr(parsed, flag):
            raise Refusal(f"`cifar-lab {verb}` takes overrides and --config-dir only, not --{flag}")
    return parsed


def run_and_overrides(words: Sequence[str], verb: str) -> tuple[Run, list[str]]:
    """The run that the first word without ``=`` names, and the overrides around it.

    Raises:
        Refusal: no run was named, or several, or a flag was given.
    """
    flags = [word for word in words if word.startswith("-")]
    if flags:
        raise Refusal(f"`cifar-lab {verb}` takes no flag, got {flags[0]}")
    runs = [w for w in words if "=" not in w and not w.startswith("~")]
    run = one_run(runs, verb)
    return find_run(OUTPUTS, run), [word for word in words if word != run]


def one_run(runs: Sequence[str], verb: str) -> str:
    """The only word that names a run.

    Raises:
        Refusal: there is none, or there are several.
    """
    if len(runs) != 1:
        raise Refusal(
            f"`cifar-lab {verb}` needs one RUN, got {len(runs)}; `cifar-lab ls` lists them"
        )
    return runs[0]


def _refuse(message: str) -> None:
    raise Refusal(f"{message}; `cifar-lab --help` lists verbs and flags")
