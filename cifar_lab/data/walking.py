"""Finds the files below a folder without opening any, and tells what can never be read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

#: Device and inode of a folder and of those above it, to notice links that lead back to them.
Above = frozenset[tuple[int, int]]


@dataclass
class Found:
    """What a walk found, as paths below the root.

    Attributes:
        stats: of the files.
        hidden: files and folders whose name begins with a dot, which are left out.
        stray: files and folders where only folders of classes or splits belong.
        unusable: what is neither a file nor a folder, and folders that cannot be listed, each with
            the reason.
    """

    stats: dict[str, os.stat_result] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    unusable: list[tuple[str, str]] = field(default_factory=list)


def walk(root: Path, folder: str, found: Found) -> list[str]:
    """Return all files in a folder and its sub-folders, in the order of their paths.

    Args:
        root: where to look.
        folder: below the root; empty for the root itself.
        found: collects what is found.

    Returns:
        Paths below the root.
    """
    files = []
    waiting: list[tuple[str, Above]] = [(folder, frozenset())]
    while waiting:  # not a call for each level: folders may be nested deeper than calls
        here, above = waiting.pop()
        entries, within = _listed(root, here, above, found)
        for entry in entries:
            path = joined(here, entry.name)
            if entry.name.startswith("."):
                found.hidden.append(path)
            elif is_folder(entry):
                waiting.append((path, within))
            elif (stat := _stat_of_file(entry)) is not None:
                found.stats[path] = stat
                files.append(path)
            else:
                found.unusable.append((path, _why_unusable(entry)))
    return sorted(files)


def joined(folder: str, name: str) -> str:
    """Return the path of an entry of a folder; the root's is empty."""
    return f"{folder}/{name}" if folder else name


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # e.g. a link to itself
        return False


def _listed(
    root: Path, folder: str, above: Above, found: Found
) -> tuple[list[os.DirEntry[str]], Above]:
    """Return a folder's entries, and what the folders in it are within."""
    try:
        stat = os.stat(root / folder)
        place = (stat.st_dev, stat.st_ino)
        if place in above:
            found.unusable.append((folder, "a link that leads back to a folder above it"))
            return [], above
        with os.scandir(root / folder) as entries:
            return list(entries), above | {place}
    except OSError as error:
        found.unusable.append((folder, error.strerror or str(error)))
        return [], above


def _stat_of_file(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat() if entry.is_file() else None
    except OSError:
        return None


def _why_unusable(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        try:
            os.stat(entry.path)
        except FileNotFoundError:
            return "a link to a file that does not exist"
        except OSError as error:
            return f"a link that cannot be followed: {error.strerror}"
    return "a pipe, socket or device, not a file"
