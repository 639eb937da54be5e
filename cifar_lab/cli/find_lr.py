"""``find-lr``: a learning rate for a configuration, before it is trained."""

from __future__ import annotations

import shlex

from cifar_lab.cli.arguments import overrides_only
from cifar_lab.cli.verbs import DONE
from cifar_lab.config.compose import Composer


def find_lr(words: list[str]) -> int:
    """Runs range tests, prints what they suggest and the override to paste, and saves both."""
    flags = overrides_only(words, "find-lr")
    from cifar_lab.cli.process import speak
    from cifar_lab.recipe import launch

    speak()
    command = shlex.join(["cifar-lab", "find-lr", *words])
    launch.find_lr(Composer(flags.config_dir), flags.overrides, command)
    return DONE
