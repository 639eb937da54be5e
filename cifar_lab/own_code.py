"""A user's own Python files, whose classes and functions a configuration may name.

They are found in stated folders only, never inside a run folder, where a stranger may have put
them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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
    """

    folders: tuple[Path, ...] = ()
    only: frozenset[str] | None = None
    instead: str = ""

    def file_of(self, module: str) -> Path | None:
        """Return the file of a module by its dotted name; imports nothing."""
        parts = module.split(".")
        named = all(part.isidentifier() and not part.startswith("__") for part in parts)
        if not named or _is_taken(parts[0]):
            return None
        if self.only is not None and module not in self.only:
            return None
        for folder in self.folders:
            path = folder.joinpath(*parts)
            for file in (path / "__init__.py", path.with_suffix(".py")):
                if file.is_file():
                    return file
        return None

    def shadowed_by(self, module: str) -> str | None:
        """Return what Python imports under the module's first name instead; None if it is ours."""
        top = module.split(".")[0]
        spec = importlib.util.find_spec(top)
        if spec is None:
            return None
        found = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
        places = [folder.resolve() for folder in self.folders]
        ours = any(Path(str(at)).resolve().is_relative_to(p / top) for at in found for p in places)
        ours |= any(Path(str(at)).resolve() == p / f"{top}.py" for at in found for p in places)
        return None if ours else f"'{top}' is already {found[0] if found else 'a module'}"

    def make_importable(self) -> None:
        """Append the folders to Python's search path, which started processes inherit.

        Appended, so that no file of a user's stands for a library that another one imports.
        """
        for folder in map(str, self.folders):
            if folder not in sys.path:
                sys.path.append(folder)
        if self.folders and self not in _PERMITTED:
            _PERMITTED.append(self)

    def loaded(self) -> Iterator[tuple[str, Path]]:
        """Yield name and file of each module that was imported from the folders."""
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and any(Path(file).is_relative_to(folder) for folder in self.folders):
                found = self.file_of(name)
                if found is not None and found.samefile(file):
                    yield name, found


class Given(NamedTuple):
    """What a call says about the own code of a run that it reads.

    Attributes:
        config_dir: ``--config-dir``; None without it.
        trusted: whether whoever made the run is trusted.
    """

    config_dir: str | None = None
    trusted: bool = False


#: Whatever this process made importable.
_PERMITTED: list[OwnCode] = []


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


def as_plain(codes: Sequence[OwnCode]) -> list[dict[str, list[str] | None]]:
    """Return what a started process needs to permit the same, as plain values."""
    return [
        {
            "folders": [str(folder) for folder in code.folders],
            "only": None if code.only is None else sorted(code.only),
        }
        for code in codes
    ]


def from_plain(codes: Sequence[dict[str, list[str] | None]]) -> list[OwnCode]:
    """Return what :func:`as_plain` describes."""
    return [
        OwnCode(
            tuple(map(Path, code["folders"] or ())),
            None if code["only"] is None else frozenset(code["only"]),
        )
        for code in codes
    ]


def _is_taken(name: str) -> bool:
    return name in TAKEN or name in sys.stdlib_module_names
