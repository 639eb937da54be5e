"""code.json: folders and Python files of a user's own that a run used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_lab.own_code import OwnCode
from cifar_lab.targets import own_modules


@dataclass(frozen=True)
class Module:
    """A Python file: the module's dotted name, its absolute path, its SHA-256 in hexadecimal."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Code:
    """What a run used of a user's own.

    Attributes:
        config_dir: absolute path of ``--config-dir``; None without it.
        folders: absolute paths from which they were imported, in order.
        modules: sorted by name.
    """

    config_dir: str | None
    folders: tuple[str, ...]
    modules: tuple[Module, ...]


def used(config_dir: str | None, own: OwnCode, config: dict[str, Any]) -> Code | None:
    """Describe what a configuration was composed and its parts were built from.

    Args:
        config_dir: ``--config-dir``; None without it.
        own: where the modules came from.
        config: as plain values; its parts have been built.

    Returns:
        None if everything came from the package.
    """
    at = None if config_dir is None else str(Path(config_dir).absolute())
    if not own_modules(config, own):
        return None if at is None else Code(at, (), ())
    modules = tuple(Module(name, str(file), hash_of(file)) for name, file in own.loaded())
    return Code(at, tuple(map(str, own.folders)), modules)


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
