"""``new`` and ``cp``: files of a user's own to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path

from cifar_lab.cli.verbs import DONE, VERBS
from cifar_lab.config.compose import config_folder
from cifar_lab.config.own_folder import CONF, found_by_itself
from cifar_lab.refusal import Refusal


def new(words: list[str]) -> int:
    """Write a part of the user's own that trains as it is."""
    from cifar_lab.config.new_part import GROUPS, written

    if len(words) != 2:
        raise Refusal(f"{_usage('new')}; KIND is one of {', '.join(GROUPS)}")
    here = Path.cwd()
    paths, overrides = written(words[0], words[1], here)
    return _told([path.relative_to(here) for path in paths], overrides, here / CONF)


def cp(words: list[str]) -> int:
    """Copy a packaged option, to be changed."""
    from cifar_lab.config.copied import copied

    if len(words) != 2:
        raise Refusal(f"{_usage('cp')}, e.g. cifar-lab cp model/resnet18 {CONF}/")
    path, override = copied(*words)
    group = override.partition("=")[0]
    return _told([path], [override], path.absolute().parents[1 + group.count("/")])


def _told(paths: list[Path], overrides: list[str], conf: Path) -> int:
    """Print what was written, and what to try, as it works where one stands."""
    for path in paths:
        print(f"wrote {path}")
    found = found_by_itself(Path.cwd())
    is_used = conf.samefile(config_folder()) or (found is not None and conf.samefile(found))
    named = [] if is_used else ["--config-dir", str(conf)]
    print(f"try: {shlex.join(['cifar-lab', 'train', *overrides, *named])}")
    return DONE


def _usage(verb: str) -> str:
    return f"usage: cifar-lab {VERBS[verb].usage}"
