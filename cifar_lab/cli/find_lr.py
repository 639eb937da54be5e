"""``find-lr``: a learning rate for a configuration, before it is trained."""

from __future__ import annotations

import shlex
from datetime import datetime

from cifar_lab.cli.arguments import overrides_only
from cifar_lab.cli.verbs import DONE
from cifar_lab.config.compose import Composer
from cifar_lab.config.contradictions import looking_on_one_device
from cifar_lab.run.find import OUTPUTS
from cifar_lab.run.folder import RunFolder


def find_lr(words: list[str]) -> int:
    """Runs range tests, prints what they suggest and the override to paste, and saves both."""
    flags = overrides_only(words, "find-lr")
    from cifar_lab.cli.train import build_checked
    from cifar_lab.config.preflight import preflight
    from cifar_lab.run.console import speak

    speak()
    found = preflight(Composer(flags.config_dir), flags.overrides)
    if found.resolved and "trainer" not in found.groups:
        for group, problem in looking_on_one_device(found.job()):
            found.add(group, problem)
    experiment = build_checked(found)
    now = datetime.now().strftime("%Y-%m-%d/%H-%M-%S-%f")
    folder = RunFolder(OUTPUTS / "find-lr" / experiment.name / now)
    folder.path.mkdir(parents=True)  # before the minutes that the tests may take
    from cifar_lab.recipe import find_lr

    find_lr(experiment, folder, shlex.join(["cifar-lab", "find-lr", *words]))
    return DONE
