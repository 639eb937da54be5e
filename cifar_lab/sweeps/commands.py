"""The command lines that start sweeps and ablations anew."""

from __future__ import annotations

from cifar_lab.config.compose import Composer
from cifar_lab.config.own_folder import command
from cifar_lab.config.space import Request
from cifar_lab.sweeps.ablation import Ablation


def sweep_command(composer: Composer, request: Request) -> str:
    """Return the command of a sweep."""
    words = ["train", "-m", *request.overrides]
    words += [word for text in request.sets for word in ("--set", text)]
    words += [word for text in request.excluded for word in ("--exclude", text)]
    return command(composer, words)


def ablation_command(composer: Composer, asked: Ablation) -> str:
    """Return the command of an ablation."""
    words = ["ablate", *([] if asked.group is None else [asked.group]), *asked.overrides]
    words += [word for text in asked.without for word in ("--without", text)]
    return command(composer, words + ["--add-one-in"] * asked.add_one_in)
