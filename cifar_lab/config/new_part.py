"""Writes a part of a user's own, to be changed: a YAML option, and the Python file it names."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

from cifar_lab.config.compose import Composer
from cifar_lab.config.own_folder import CONF
from cifar_lab.own_code import beside, inside_a_run
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.wording import shortened

#: Group of each kind.
GROUPS = {
    "dataset": "dataset",
    "model": "model",
    "criterion": "criterion",
    "augmentation": "augmentation",
    "optimizer": "optimizer",
    "scheduler": "scheduler",
    "hook": "hooks",
    "experiment": "experiments",
}
#: Names that a YAML file or an override would read as a value.
VALUES = {"true", "false", "null", "nan", "inf", "yes", "no", "on", "off", "y", "n"}
#: Longest name of a part.
LONGEST = 50


def written(kind: str, name: str, here: Path) -> tuple[list[Path], list[str]]:
    """Write the files of a new part below a folder.

    Args:
        kind: one of ``GROUPS``.
        name: of the option, the Python file and, in capitals and small letters, the class.
        here: the folder that has or gets ``conf``.

    Returns:
        The paths of the files, and the overrides to try them with.

    Raises:
        Refusal: with every problem; nothing was written.
    """
    if kind not in GROUPS:
        hint = did_you_mean(kind[:100], [*GROUPS, *GROUPS.values()])
        raise Refusal(f"there is no kind '{shortened(kind)}'{hint}; choose {', '.join(GROUPS)}")
    group = GROUPS[kind]
    texts = {here / CONF / group / f"{name}.yaml": f"{kind}.yaml"}
    if kind != "experiment":
        texts[here / f"{name}.py"] = f"{kind}.py"
    problems = list(_wrong_name(name)) or [
        *_taken(kind, name, here),
        *(f"{path.relative_to(here)} exists already; choose another name"
          for path in texts if path.exists() or path.is_symlink()),
    ]  # fmt: skip
    if problems:
        raise Refusal(problems)
    write_new({path: _filled(template, name) for path, template in texts.items()})
    digits = [] if kind in ("experiment", "dataset") else ["dataset=digits"]
    return list(texts), [*digits, f"{group}={name}"]


def write_new(texts: dict[Path, str]) -> None:
    """Write files that do not exist, all of them or none.

    Raises:
        OSError: one could not be written.
    """
    done: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                done.append(path)
                file.write(text)
    except OSError:
        for path in done:
            path.unlink()
        raise


def _wrong_name(name: str) -> Iterator[str]:
    called = f"NAME={shortened(name)}"
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or len(name) > LONGEST:
        yield (
            f"{called}: must consist of letters, digits and '_', begin with a letter and have at "
            f"most {LONGEST} characters, e.g. my_net"
        )
    elif keyword.iskeyword(name) or name.lower() in VALUES:
        yield f"{called}: is a word of Python or YAML; choose another name, e.g. my_{name}"


def _taken(kind: str, name: str, here: Path) -> Iterator[str]:
    """Yield why a file of this name could not be imported, or its option would replace another."""
    called, other = f"NAME={name}", f"choose another name, e.g. my_{name}"
    if inside_a_run(here):
        yield "parts of your own are not imported from inside a run folder; go to another folder"
    if kind != "experiment":
        code = beside(str(here / CONF), here, trusted=True)
        shadowed = code.shadowed_by(name)
        if code.is_taken(name):
            yield f"{called}: is the name of a module of Python or of the lab; {other}"
        elif shadowed is not None:
            yield f"{called}: {shadowed}; {other}"
    group = GROUPS[kind]
    if name in Composer().options(group):
        yield (
            f"{called}: is a packaged option of {group}; {other}, or copy the packaged option "
            f"with `cifar-lab cp {group}/{name} {CONF}/`"
        )


def _filled(template: str, name: str) -> str:
    text = (files("cifar_lab.config") / "templates" / f"{template}.txt").read_text("utf-8")
    return Template(text).substitute(name=name, Class=_class_name(name))


def _class_name(name: str) -> str:
    """Return ``MyNet`` for ``my_net`` and for ``MyNet``."""
    return "".join(word[0].upper() + word[1:] for word in name.split("_") if word)
