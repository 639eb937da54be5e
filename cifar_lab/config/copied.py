"""Copies a packaged option into a folder of a user's own, to be changed."""

from __future__ import annotations

from pathlib import Path

from cifar_lab.config.compose import Composer, config_folder
from cifar_lab.config.new_part import write_new
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.wording import shortened


def copied(option: str, target: str) -> tuple[Path, str]:
    """Copy a packaged option.

    Args:
        option: as ``group/name`` or ``group=name``.
        target: a folder of groups, e.g. ``conf/``; or a file, e.g. ``conf/model/my.yaml``.

    Returns:
        The path of the copy, and the override that chooses it.

    Raises:
        Refusal: there is no such option, or the target exists or is in another group's folder.
    """
    group, name = _option(option)
    text = (config_folder() / group / f"{name}.yaml").read_text(encoding="utf-8")
    path = Path(target)
    if path.suffix not in (".yaml", ".yml"):
        path = path / group / f"{name}.yaml"
    elif path.suffix == ".yml" or not path.absolute().parent.as_posix().endswith(f"/{group}"):
        raise Refusal(
            f"{target}: an option of {group} is a .yaml file in a folder {group}; use "
            f"conf/{group}/{path.stem}.yaml"
        )
    if path.exists() or path.is_symlink():
        raise Refusal(f"{path} exists already; name a new file, e.g. conf/{group}/my_{name}.yaml")
    write_new({path: text})
    return path, f"{group}={path.stem}"


def _option(word: str) -> tuple[str, str]:
    composer = Composer()
    group, _, name = word.removesuffix(".yaml").replace("=", "/").rpartition("/")
    groups = [*composer.groups(), "hydra/sweeper", "hydra/launcher"]
    if group in groups and name in composer.options(group):
        if (config_folder() / group / f"{name}.yaml").is_file():
            return group, name
        raise Refusal(f"{word} is an option of Hydra's own, not a packaged file")
    if group in groups:
        options = composer.options(group)
        raise Refusal(
            f"{shortened(word)}: {group} has no option '{shortened(name)}'"
            f"{did_you_mean(name[:100], options)}; the options are: {', '.join(options)}"
        )
    known = [f"{each}/{option}" for each in groups for option in composer.options(each)]
    raise Refusal(
        f"{shortened(word)}: there is no such option{did_you_mean(word[:100], known)}; name one "
        f"as group/option, e.g. model/resnet18; the groups are: {', '.join(composer.groups())}"
    )
