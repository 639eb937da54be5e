"""Lists image folders without opening any file, and tells what is left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifar_lab.data.layout import LAYOUT_HINT, SPLIT_WORDS, Layout, first_few, in_order, layout_of
from cifar_lab.data.walking import Found, is_folder, joined, walk
from cifar_lab.refusal import Refusal
from cifar_lab.wording import plural

#: Files of a folder that is left out are counted up to this number.
COUNTED = 10_000


@dataclass(frozen=True)
class FolderListing:
    """The files of an image folder by split and class.

    Files are strings relative to the root (``train/cat/1.png``): creating and sorting hundreds of
    thousands of ``Path`` objects would take seconds.

    Attributes:
        root: the directory.
        class_names: in the order of the labels.
        files: by split and class; without ``test`` if the layout has no folder for it.
        stats: of each file.
        notes: sentences about the layout and about what is left out.
    """

    root: Path
    class_names: tuple[str, ...]
    files: dict[str, dict[str, list[str]]]
    stats: dict[str, os.stat_result]
    notes: tuple[str, ...] = ()

    def all_files(self) -> list[str]:
        """All files of all splits."""
        return [f for split in self.files.values() for files in split.values() for f in files]

    def keys(self) -> list[tuple[str, int, int]]:
        """Name, size in bytes and time of modification in nanoseconds of each file."""
        return [(file, stat.st_size, stat.st_mtime_ns) for file, stat in self.stats.items()]


def list_folder(
    root: Path,
    skip_unreadable: bool = False,
    order: str | Sequence[str | int] = "natural",
    divisible: bool = True,
) -> FolderListing:
    """List an image folder, with the images in all sub-folders of each class.

    Hidden files and folders are left out, and so is what lies beside the folders of splits and
    classes; the notes say so.

    Args:
        root: the directory.
        skip_unreadable: leave out what can never be read, e.g. a dangling link, and say so.
        order: the order of the classes; see :func:`~cifar_lab.data.layout.in_order`.
        divisible: whether test images may be split off by a rule where no folder has any.

    Raises:
        Refusal: a folder is missing, a class is empty, the splits differ in their classes or share
            a file, or something can never be read; all such problems are reported at once.
    """
    found = Found()
    top = _folders(root, "", found)
    layout = layout_of(_shown(root), top, divisible)
    problems: list[str] = []
    files: dict[str, dict[str, list[str]]] = {}
    for split, folder in layout.folders.items():
        names = _folders(root, folder, found) if folder else top
        files[split], wrong = _classes(root, folder, names, found)
        problems += wrong
    problems += _unequal_classes(files, layout)
    try:
        names = in_order(files["train"], order)
    except Refusal as refusal:
        problems += refusal.problems
    if len(files["train"]) == 1:
        problems.append(
            f"the only class is {first_few(list(files['train']))}, and one class cannot be learnt; "
            "set dataset.root to the folder that holds the splits or the classes"
        )
    unusable = [f"{path} ({reason})" for path, reason in found.unusable]
    if unusable and not skip_unreadable:
        problems.append(
            f"{plural(len(unusable), 'entry', 'entries')} can never be read: "
            f"{first_few(unusable)}; remove them, or set dataset.skip_unreadable=true to "
            "skip them"
        )
    problems += _shared(files, found.stats)
    if problems:
        raise Refusal([_prefixed(root, problem) for problem in problems])
    used = set(layout.folders.values())
    beside = [name for name in top if name not in used and "" not in used]
    notes = [*([] if layout.note is None else [layout.note]), *_left_out(root, found, beside)]
    return FolderListing(root, tuple(names), files, found.stats, tuple(notes))


def _prefixed(root: Path, problem: str) -> str:
    return problem if problem.startswith("dataset.") else f"dataset.root={_shown(root)}: {problem}"


def _shown(root: Path) -> str:
    text = str(root)
    return text if len(text) < 300 else f"{text[:100]}…"


def _folders(root: Path, folder: str, found: Found) -> list[str]:
    """Names of the visible folders in a folder below the root; all else there is left out."""
    names = []
    for entry in _entries(root, folder):
        path = joined(folder, entry.name)
        if entry.name.startswith("."):
            found.hidden.append(path)
        elif is_folder(entry):
            names.append(entry.name)
        else:
            found.stray.append(path)
    return sorted(names)


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        reason = "does not exist"
    except NotADirectoryError:
        reason = "is not a directory"
    except OSError as error:
        reason = f"cannot be listed ({error.strerror})"
    raise Refusal(
        f"dataset.root={_shown(root)}: {folder or 'this directory'} {reason}; {LAYOUT_HINT}"
    )


def _classes(
    root: Path, folder: str, names: Sequence[str], found: Found
) -> tuple[dict[str, list[str]], list[str]]:
    """The files of each class of a split, and problems."""
    files: dict[str, list[str]] = {}
    problems = []
    for name in names:
        path = joined(folder, name)
        files[name] = walk(root, path, found)
        if folder == "" and SPLIT_WORDS & _names_below(path, files[name]):
            problems.append(f"{path}/ holds folders of splits; set dataset.root={root / path}")
        elif not files[name]:
            problems.append(
                f"class folder {root / path} contains no files; add images or remove the folder"
            )
    if not names:
        problems.append(f"no class folders in {root / folder}; {LAYOUT_HINT}")
    return files, problems


def _unequal_classes(files: dict[str, dict[str, list[str]]], layout: Layout) -> list[str]:
    problems = []
    for split in files.keys() - {"train"}:
        only_train = sorted(files["train"].keys() - files[split].keys())
        only_here = sorted(files[split].keys() - files["train"].keys())
        name = layout.folders[split]
        if only_train or only_here:
            problems.append(
                f"{name} classes must match train classes; only in train: {first_few(only_train)}; "
                f"only in {name}: {first_few(only_here)}"
            )
    return sorted(problems)


def _names_below(folder: str, files: Sequence[str]) -> set[str]:
    """Names of files and folders directly in a folder, in lower case."""
    return {file[len(folder) + 1 :].split("/")[0].lower() for file in files}


def _shared(files: dict[str, dict[str, list[str]]], stats: dict[str, os.stat_result]) -> list[str]:
    """Files that two splits share through links: an image may be in one split only."""
    places = {(stat.st_dev, stat.st_ino) for stat in stats.values()}
    if len(files) == 1 or len(places) == len(stats):  # the usual case, known in a third of the time
        return []
    first: dict[tuple[int, int], tuple[str, str]] = {}
    pairs = []
    for split, classes in files.items():
        for file in (file for members in classes.values() for file in members):
            place = (stats[file].st_dev, stats[file].st_ino)
            other, known = first.setdefault(place, (split, file))
            if other != split:
                pairs.append(f"{known} = {file}")
    if not pairs:
        return []
    return [
        f"{plural(len(pairs), 'file is', 'files are')} in two splits through links: "
        f"{first_few(pairs)}; an image may be in one split only, so remove one of each pair"
    ]


def _left_out(root: Path, found: Found, beside: Sequence[str]) -> list[str]:
    """Sentences about what is left out, with its number."""
    folders = [f"{name}/ ({_counted(root / name)})" for name in beside]
    unusable = [f"{path} ({reason})" for path, reason in found.unusable]
    kinds = [
        ("folder beside the splits", "folders beside the splits", folders),
        ("file beside the folders of images", "files beside the folders of images", found.stray),
        ("hidden file or folder", "hidden files or folders", found.hidden),
        ("entry that can never be read", "entries that can never be read", unusable),
    ]
    return [
        f"left out: {plural(len(names), one, many)}: {first_few(sorted(names))}"
        for one, many, names in kinds
        if names
    ]


def _counted(folder: Path) -> str:
    count = 0
    for _, _, names in os.walk(folder):
        count += len(names)
        if count > COUNTED:
            return f"over {COUNTED:,} files"
    return plural(count, "file", "files")
