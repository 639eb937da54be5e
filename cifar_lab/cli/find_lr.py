"""``find-lr``: find a learning rate for a configuration before training it."""

from __future__ import annotations

import shlex

from cifar_lab.cli.arguments import overrides_only
from cifar_lab.cli.verbs import DONE
from cifar_lab.config.compose import Composer


def find_lr(words: list[str]) -> int:
    """Run range tests, print the suggestions and the override to paste, and save both."""
    flags = overrides_only(words, "find-lr")
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe import launch

    speak()
    command = shlex.join(["cifar-lab", "find-lr", *words])
    launch.find_lr(Composer(flags.config_dir), flags.overrides, command)
    return DONE
