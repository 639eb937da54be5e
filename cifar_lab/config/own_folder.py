"""Finds the folder of a user's own options: the given one, or ``conf`` where one stands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from cifar_lab.config.compose import CONFIG_NAME, Composer, config_folder
from cifar_lab.own_code import inside_a_run

#: Name of the folder that is found by itself.
CONF = "conf"


def composer_for(config_dir: str | None) -> Composer:
    """Return what composes a command line.

    Args:
        config_dir: ``--config-dir``; None to look for ``conf`` in the current folder.

    Raises:
        Refusal: ``config_dir`` is not a directory.
    """
    return Composer(found_by_itself(Path.cwd()) if config_dir is None else config_dir)


def found_by_itself(here: Path) -> str | None:
    """Return the absolute path of the ``conf`` that is used without being named; None without one.

    It holds an option of a group. Not used are the lab's own; one with a main configuration, which
    is another program's; and what lies inside a run, where a stranger may have put it.
    """
    folder = here / CONF
    if has_main_configuration(here) or not _has_options(folder):
        return None
    is_the_labs = (here / "cifar_lab" / "__init__.py").is_file() or folder.samefile(config_folder())
    return None if is_the_labs or inside_a_run(folder) else str(folder.absolute())


def has_main_configuration(here: Path) -> bool:
    """Whether the ``conf`` of a folder may be another program's, as it has a main configuration."""
    is_the_labs = (here / "cifar_lab" / "__init__.py").is_file()
    return not is_the_labs and (here / CONF / f"{CONFIG_NAME}.yaml").exists()


def command(composer: Composer, words: Sequence[str]) -> str:
    """Return a command line that composes from the same folders, wherever one stands.

    Args:
        composer: composed the configuration.
        words: the verb and what follows it, without ``--config-dir``.
    """
    also = [] if composer.config_dir is None else ["--config-dir", composer.config_dir]
    return shlex.join(["cifar-lab", *words, *also])


def _has_options(folder: Path) -> bool:
    groups = [group.name for group in config_folder().iterdir() if group.is_dir()]
    patterns = [f"{group}/{file}" for group in groups for file in ("*.yaml", "*/*.yaml")]
    return any(any(folder.glob(pattern)) for pattern in patterns)
