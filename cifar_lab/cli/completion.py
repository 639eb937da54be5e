"""Shell completion: verbs and runs here, groups, options and keys by Hydra."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hydra.errors import HydraException

from cifar_lab.cli.main import DONE, REFUSED, VERBS
from cifar_lab.config.compose import CONFIG_NAME, Composer
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import find_runs

#: Verbs that Hydra completes after; the others take a run first.
TAKES_OVERRIDES = ("train", "check", "show")


def complete(words: Sequence[str]) -> int:
    """Answers ``install=SHELL``, ``uninstall=SHELL`` and the shell's own ``query=SHELL``."""
    if any(word.startswith("query=") for word in words):
        return _query(words)
    try:
        Composer().hydra.shell_completion(config_name=CONFIG_NAME, overrides=list(words))
    except (HydraException, ValueError) as error:
        raise Refusal(f"{error}; such as: cifar-lab -sc install=bash") from error
    return DONE


def _query(words: Sequence[str]) -> int:
    from cifar_lab.cli.arguments import OUTPUTS
    from cifar_lab.cli.show import PARTS

    line = os.environ.get("COMP_LINE")
    if line is None:
        return REFUSED
    program, _, rest = line.partition(" ")
    verb, space, remainder = rest.lstrip().partition(" ")
    if not space:
        candidates = [name for name in VERBS if name.startswith(verb)]
    elif verb == "show" and not any(part in remainder.split() for part in PARTS):
        candidates = [part for part in PARTS if part.startswith(remainder)]
    elif verb in TAKES_OVERRIDES:
        # The shell calls the program without the verb, and Hydra knows none: strip it.
        os.environ["COMP_LINE"] = f"{program} {remainder}"
        Composer().hydra.shell_completion(config_name=CONFIG_NAME, overrides=list(words))
        return DONE
    else:
        last = remainder.split(" ")[-1]
        runs = ["latest", "best", *(run.path.as_posix() for run in find_runs(OUTPUTS))]
        candidates = [run for run in runs if run.startswith(last)]
    print("\n".join(candidates) if "query=fish" in words else " ".join(candidates))
    return DONE
