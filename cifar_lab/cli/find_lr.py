"""``find-lr``: find a learning rate for a configuration before training it."""

from __future__ import annotations

from cifar_lab.cli.arguments import composer_of, overrides_only
from cifar_lab.cli.verbs import DONE
from cifar_lab.config.own_folder import command


def find_lr(words: list[str]) -> int:
    """Run range tests, print the suggestions and the override to paste, and save both."""
    flags = overrides_only(words, "find-lr")
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe import launch

    speak()
    composer = composer_of(flags)
    repeated = command(composer, ["find-lr", *flags.overrides])
    launch.find_lr(composer, flags.overrides, repeated)
    return DONE
