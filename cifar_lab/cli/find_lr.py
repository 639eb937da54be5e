"""``find-lr``: a learning rate for a configuration, before it is trained."""

from __future__ import annotations

import shlex
from datetime import datetime

from cifar_lab.cli.arguments import OUTPUTS, overrides_only
from cifar_lab.cli.main import DONE
from cifar_lab.config.compose import Composer
from cifar_lab.run.folder import RunFolder


def find_lr(words: list[str]) -> int:
    """Runs range tests, prints what they suggest and the override to paste, and saves both."""
    flags = overrides_only(words, "find-lr")
    from cifar_lab.cli.train import build_checked
    from cifar_lab.config.preflight import preflight
    from cifar_lab.run.console import speak

    speak()
    experiment = build_checked(preflight(Composer(flags.config_dir), flags.overrides))
    now = datetime.now().strftime("%Y-%m-%d/%H-%M-%S-%f")
    folder = RunFolder(OUTPUTS / "find-lr" / experiment.name / now)
    folder.path.mkdir(parents=True)  # before the minutes that the tests may take
    from cifar_lab.recipe import find_lr

    find_lr(experiment, folder, shlex.join(["cifar-lab", "find-lr", *words]))
    return DONE
