"""What has become of a user's own Python files since a run used them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from cifar_lab.own_code import OwnCode
from cifar_lab.run.code import Code, Module, hash_of
from cifar_lab.run.git import git_of

log = logging.getLogger("cifar_lab")


def changes(code: Code | None, own: OwnCode, since: str = "the run") -> list[str]:
    """Return what has changed since a run, one line for each file, and one for the commit.

    Args:
        code: what the run used; None without any.
        own: where its modules are imported from now.
        since: what used them, as text.
    """
    if code is None or own.copied or not own.folders:
        return []
    lines = [line for module in code.modules if (line := _change(module, own, since)) is not None]
    return [*lines, *_new_commit(code, own)] if lines else []


def say(lines: Sequence[str], what_to_do: str) -> None:
    """Log changes, and what to do about them."""
    for line in lines:
        log.info(line)
    if lines:
        log.info(what_to_do)


def _change(module: Module, own: OwnCode, since: str) -> str | None:
    then, now = Path(module.file), own.place_of(module.name)
    if now is None:
        return f"{then} is missing; {since} used it"
    is_same = hash_of(now) == module.sha256
    if now == then:
        return None if is_same else f"{now} has changed since {since}"
    if is_same:
        return f"{then} has moved to {now}, unchanged since {since}"
    return f"{now} is used instead of {then}, and has changed since {since}"


def _new_commit(code: Code, own: OwnCode) -> list[str]:
    found = [own.place_of(module.name) for module in code.modules]
    now = git_of([file for file in found if file is not None])
    if code.git is None or now is None or now.commit == code.git.commit:
        return []
    return [f"their commit was {code.git.short} and is now {now.short}"]
