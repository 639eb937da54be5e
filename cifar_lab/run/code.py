"""code.json: folders and Python files of a user's own that a run used, and their copies."""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from cifar_lab.own_code import OwnCode
from cifar_lab.run.git import Git, git_of
from cifar_lab.targets import own_modules

log = logging.getLogger("cifar_lab")

#: Folder of the copies, in that of the run.
COPIES = "code"
#: Largest file that is copied, in bytes, and the largest number of files.
LARGEST_BYTES, MOST_FILES = 1_000_000, 200


@dataclass(frozen=True)
class Module:
    """A Python file: the module's dotted name, its absolute path, its SHA-256 in hexadecimal."""

    name: str
    file: str
    sha256: str

    @property
    def copy(self) -> str:
        """Path of its copy in the run's folder."""
        last = "/__init__.py" if Path(self.file).name == "__init__.py" else ".py"
        return f"{COPIES}/{self.name.replace('.', '/')}{last}"


@dataclass(frozen=True)
class Code:
    """What a run used of a user's own.

    Attributes:
        config_dir: absolute path of the folder of own options, given or found; None without it.
        folders: absolute paths from which they were imported, in order; none where the copies of a
            run that somebody else made were used.
        modules: sorted by name.
        git: the checkout that contains the files; None without one, and in older runs.
        taken_from: id of the run whose copies were used; None if the files themselves were.
    """

    config_dir: str | None
    folders: tuple[str, ...]
    modules: tuple[Module, ...]
    git: Git | None
    taken_from: str | None


@dataclass(frozen=True)
class OwnModule:
    """A module of the user's own: its dotted name, and its SHA-256 in hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True)
class OwnModules:
    """What a run used of a user's own, without where it lies on a machine.

    Attributes:
        modules: sorted by name.
        git: the checkout that contains them; None without one.
        taken_from: id of the run whose copies were used; None if the files themselves were.
    """

    modules: tuple[OwnModule, ...]
    git: Git | None
    taken_from: str | None

    @property
    def described(self) -> str:
        """The modules, each with the first digits of its hash, and their commit."""
        modules = ", ".join(f"{each.name} ({each.sha256[:12]})" for each in self.modules)
        commit = "" if self.git is None else f"; commit {self.git.short}"
        taken = "" if self.taken_from is None else f"; from the copies in run {self.taken_from}"
        return f"{modules}{commit}{taken}"

    @classmethod
    def of(cls, code: Code | None) -> OwnModules | None:
        """Describe the code of a run; None if it has no modules of the user's own."""
        if code is None or not code.modules:
            return None
        modules = tuple(OwnModule(each.name, each.sha256) for each in code.modules)
        return cls(modules, code.git, code.taken_from)


class Used(NamedTuple):
    """What a run is about to use of a user's own.

    Attributes:
        code: what is recorded of it.
        copies: contents of the files to copy, by path in the run's folder.
    """

    code: Code
    copies: Mapping[str, bytes]

    def taken_from(self, identity: str | None, earlier: Code, is_mine: bool) -> Used:
        """Describe the same files as the copies of an earlier run that they are.

        Args:
            identity: the earlier run's id.
            earlier: what it used.
            is_mine: whether this user made it; where somebody else keeps files means nothing here.
        """
        places = {each.name: each for each in earlier.modules}
        modules = tuple(places[each.name] for each in self.code.modules)
        folders = earlier.folders if is_mine else ()
        code = replace(
            self.code, folders=folders, modules=modules, git=earlier.git, taken_from=identity
        )
        return Used(code, self.copies)


def used(config_dir: str | None, own: OwnCode, config: dict[str, Any]) -> Used | None:
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
        return None if at is None else Used(Code(at, (), (), None, None), {})
    files = dict(own.loaded())
    contents = {name: _imported(name, file) for name, file in files.items()}
    modules = [Module(name, str(files[name]), _hash(text)) for name, text in contents.items()]
    folders = tuple(map(str, own.folders))
    code = Code(at, folders, tuple(modules), git_of(list(files.values())), None)
    return Used(code, _copied(modules, contents))


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return _hash(file.read_bytes())


#: What each module was when it was first seen here: Python goes on with it if the file changes.
_SEEN: WeakKeyDictionary[ModuleType, bytes] = WeakKeyDictionary()


def _imported(name: str, file: Path) -> bytes:
    """Return the file's content as it was imported; say so if it is another by now."""
    content = file.read_bytes()
    seen = _SEEN.setdefault(sys.modules[name], content)
    if seen != content:
        log.warning(
            f"{file} has changed since it was imported: this process goes on with what it was; "
            "start another to use it as it is now"
        )
    return seen


def _copied(modules: list[Module], contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return what to copy, by path; say what is recorded by its hash only."""
    if len(modules) > MOST_FILES:
        log.warning(
            f"the {len(modules)} Python files of your own are recorded by their SHA-256 only, "
            f"as at most {MOST_FILES} are copied into a run"
        )
        return {}
    large = [each.file for each in modules if len(contents[each.name]) > LARGEST_BYTES]
    if large:
        log.warning(
            f"recorded by SHA-256 only, as a copy may have at most {LARGEST_BYTES:,} bytes: "
            f"{', '.join(large)}"
        )
    return {each.copy: contents[each.name] for each in modules if each.file not in large}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
