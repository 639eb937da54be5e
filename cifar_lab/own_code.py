"""A user's own Python files, whose classes and functions a configuration may name.

They are found in stated folders only, never inside a run folder, where a stranger may have put
them.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, NamedTuple

#: Packages that no file of a user's may stand for.
TAKEN = {"cifar_lab", "hydra_plugins", "torch", "torchvision", "timm", "albumentations"}
#: Files by which a folder is recognised as that of a run or of an exported model.
MARKS = ("status.json", "provenance.json", "bundle.json")
#: Folder of all runs.
OUTPUTS = "outputs"


@dataclass(frozen=True)
class OwnCode:
    """Where modules of a user's own may come from.

    Attributes:
        folders: absolute paths; earlier ones win.
        only: names of the only modules allowed; None for all in the folders.
        instead: why there is none and what to do, as the end of a message; may be empty.
        copied: whether the folders hold copies that a run recorded, and nothing else. They are
            imported instead of any files with the same names, and never along with these.
    """

    folders: tuple[Path, ...] = ()
    only: frozenset[str] | None = None
    instead: str = ""
    copied: bool = False

    def file_of(self, module: str) -> Path | None:
        """Return the file of a module that may be named, by its dotted name; imports nothing."""
        if self.only is not None and module not in self.only:
            return None
        return self.place_of(module)

    def place_of(self, module: str) -> Path | None:
        """Return the file of a module, whether it may be named or is only imported by another."""
        if not is_own_name(module):
            return None
        for folder in self.folders:
            path = folder.joinpath(*module.split("."))
            for file in (path / "__init__.py", path.with_suffix(".py")):
                if file.is_file():
                    return file
        return None

    @staticmethod
    def is_taken(module: str) -> bool:
        """Whether a module of Python's or of the lab has the first name of a module."""
        return _is_taken(module.split(".")[0])

    def shadowed_by(self, module: str) -> str | None:
        """Return what Python imports under the module's first name instead; None if it is ours."""
        top = module.split(".")[0]
        spec = _installed(top) if self.copied else None
        spec = spec or importlib.util.find_spec(top)
        if spec is None:
            return None
        found = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
        places = [folder.resolve() for folder in self.folders]
        ours = any(Path(str(at)).resolve().is_relative_to(p / top) for at in found for p in places)
        ours |= any(Path(str(at)).resolve() == p / f"{top}.py" for at in found for p in places)
        return None if ours else f"'{top}' is already {found[0] if found else 'a module'}"

    def make_importable(self) -> None:
        """Append the folders to Python's search path, which started processes inherit.

        Appended, so that no file of a user's stands for a library that another one imports. Copies
        come first: they were imported as the user's own once, and must not be mixed with what the
        current folder holds now.
        """
        if self.folders and self not in _PERMITTED:
            if self.copied or any(other.copied for other in _PERMITTED):
                _forget_others()
            if not _PERMITTED:
                _NOT_OURS.update(sys.modules)
            _PERMITTED.append(self)
        for folder in map(str, self.folders):
            if folder not in sys.path:
                sys.path.insert(0 if self.copied else len(sys.path), folder)

    def loaded(self) -> Iterator[tuple[str, Path]]:
        """Yield name and file of each module that was imported from the folders."""
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and any(Path(file).is_relative_to(folder) for folder in self.folders):
                found = self.place_of(name)
                if found is not None and found.samefile(file):
                    yield name, found


class Given(NamedTuple):
    """What a call says about the own code of a run that it reads.

    Attributes:
        config_dir: ``--config-dir``; None without it.
        trusted: whether whoever made the run is trusted.
        as_recorded: whether the copies in the run are used instead of the files.
    """

    config_dir: str | None = None
    trusted: bool = False
    as_recorded: bool = False


#: Whatever this process made importable.
_PERMITTED: list[OwnCode] = []
#: Names of modules that were imported before anything was permitted, e.g. by a user's own script.
_NOT_OURS: set[str] = set()


def permitted() -> list[OwnCode]:
    """Return everything that this process made importable so far."""
    return list(_PERMITTED)


def beside(config_dir: str | None, here: Path | None, trusted: bool = False) -> OwnCode:
    """Return the code beside a folder of configuration groups, and in the current folder.

    Args:
        config_dir: folder of groups; the code lies in it or in the folder that holds it.
        here: the current folder; None to leave it out.
        trusted: whether it may lie inside a run folder.
    """
    folders = [] if config_dir is None else [Path(config_dir).absolute()]
    folders = [*(folder.parent for folder in folders), *folders, *([] if here is None else [here])]
    allowed = [folder for folder in folders if trusted or not inside_a_run(folder)]
    instead = (
        "; Python files inside a run folder or outputs/ are not imported: move them elsewhere; "
        "verbs that read a run of somebody whom you trust accept --trust (explain: --trust-code)"
    )
    return OwnCode(
        tuple(dict.fromkeys(allowed)), None, "" if len(allowed) == len(folders) else instead
    )


def inside_a_run(path: Path) -> bool:
    """Whether a path lies in a run folder, an exported model or the folder of all runs."""
    resolved = Path(os.path.realpath(path))
    places = [resolved, *resolved.parents]
    return any(
        place.name == OUTPUTS or any((place / mark).exists() for mark in MARKS) for place in places
    )


def is_own_name(module: str) -> bool:
    """Whether a module of a user's own may have this dotted name."""
    parts = module.split(".")
    named = all(part.isidentifier() and not part.startswith("__") for part in parts)
    return named and not _is_taken(parts[0])


def written(contents: Mapping[str, bytes], names: frozenset[str]) -> OwnCode:
    """Write copies of Python files to a private folder of this process, to be imported there.

    Args:
        contents: by path, as of the module: ``package/module.py``.
        names: of the modules, the only ones that may be imported.
    """
    folder = Path(tempfile.mkdtemp(prefix="cifar-lab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return OwnCode((folder,), names, copied=True)


def as_plain(codes: Sequence[OwnCode]) -> list[dict[str, Any]]:
    """Return what a started process needs to permit the same, as plain values."""
    return [
        {
            "folders": [str(folder) for folder in code.folders],
            "only": None if code.only is None else sorted(code.only),
            "copied": code.copied,
        }
        for code in codes
    ]


def from_plain(codes: Sequence[dict[str, Any]]) -> list[OwnCode]:
    """Return what :func:`as_plain` describes."""
    return [
        OwnCode(
            tuple(map(Path, code["folders"])),
            None if code["only"] is None else frozenset(code["only"]),
            copied=code["copied"],
        )
        for code in codes
    ]


def _is_taken(name: str) -> bool:
    return name in TAKEN or name in sys.stdlib_module_names


def _installed(name: str) -> ModuleSpec | None:
    """Return the library of this name, whatever else comes before it on the search path."""
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return PathFinder.find_spec(name, sorted(places))


def _forget_others() -> None:
    """Forget every module of a user's own, and where copies lie: they must not be mixed."""
    for code in _PERMITTED:
        for name, _ in list(code.loaded()):
            if name not in _NOT_OURS:
                del sys.modules[name]
        if code.copied:
            gone = set(map(str, code.folders))
            sys.path[:] = [entry for entry in sys.path if entry not in gone]
    _PERMITTED.clear()
    importlib.invalidate_caches()
