"""Shell completion: verbs and runs are completed here; groups, options and keys by Hydra."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence

from hydra.errors import HydraException

from cifar_lab.cli.verbs import DONE, REFUSED, VERBS
from cifar_lab.config.compose import CONFIG_NAME
from cifar_lab.config.own_folder import composer_for
from cifar_lab.refusal import Refusal

#: Verbs each of whose arguments is a run.
TAKES_SUBJECTS = ("ls", "compare", "record", "rm", "restore", "prune", "sync")
#: Verbs whose first argument is a run, or a part to show.
TAKES_SUBJECT = (
    *TAKES_SUBJECTS, "show", "report", "explain", "predict", "app", "export", "eval", "resume",
    "extend", "rerun", "tag", "note",
)  # fmt: skip
#: Verbs whose remaining arguments Hydra completes.
TAKES_OVERRIDES = ("train", "check", "find-lr", "show", "report", "extend", "rerun")


def complete(words: Sequence[str]) -> int:
    """Handle ``install=SHELL``, ``uninstall=SHELL`` and the ``query=SHELL`` that shells send."""
    if any(word.startswith("query=") for word in words):
        return _query(words)
    try:
        composer_for(None).hydra.shell_completion(config_name=CONFIG_NAME, overrides=list(words))
    except (HydraException, ValueError) as error:
        raise Refusal(f"{error}; for example: cifar-lab -sc install=bash") from error
    return DONE


def _query(words: Sequence[str]) -> int:
    line = os.environ.get("COMP_LINE")
    if line is None:
        return REFUSED
    program, _, rest = line.partition(" ")
    verb, space, remainder = rest.lstrip().partition(" ")
    if not space:
        return _answer(words, VERBS, verb)
    *complete_words, last = remainder.split(" ")
    config_dir, complete_words = _config_dir(complete_words)
    subjects = [
        word for word in complete_words if word and "=" not in word and word[0] not in "-~+"
    ]
    if verb in TAKES_SUBJECTS or (verb in TAKES_SUBJECT and not subjects):
        return _answer(words, _subjects(verb), last)
    if verb in TAKES_OVERRIDES:
        # Hydra knows neither the verb nor the run or part that follows it, so remove both from
        # the line that it completes.
        kept = [word for word in complete_words if word not in subjects]
        os.environ["COMP_LINE"] = " ".join([program, *kept, last])
        composer = composer_for(config_dir)
        composer.hydra.shell_completion(config_name=CONFIG_NAME, overrides=list(words))
    return DONE


def _config_dir(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Split off ``--config-dir`` with the folder it names, which is left out if there is none."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config-dir", "-cd", nargs="?")
    found, others = parser.parse_known_args(list(words))
    named = found.config_dir
    return (named if named is not None and os.path.isdir(named) else None), others


def _subjects(verb: str) -> list[str]:
    from cifar_lab.cli.show import PARTS
    from cifar_lab.run.find import find_folders, find_runs
    from cifar_lab.run.folder import OUTPUTS
    from cifar_lab.run.trash import TRASH, removed

    if verb == "show":
        return list(PARTS)
    if verb == "restore":
        places = [folder.path.relative_to(OUTPUTS / TRASH) for folder in removed(OUTPUTS)]
        return [place.as_posix() for place in places]
    if verb == "rm":
        return ["latest", *(folder.path.as_posix() for folder in find_folders(OUTPUTS))]
    return ["latest", "best", *(run.folder.path.as_posix() for run in find_runs(OUTPUTS))]


def _answer(words: Sequence[str], candidates: Iterable[str], beginning: str) -> int:
    fitting = [candidate for candidate in candidates if candidate.startswith(beginning)]
    print("\n".join(fitting) if "query=fish" in words else " ".join(fitting))
    return DONE
