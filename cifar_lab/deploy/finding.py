"""Finds the images that words name: files, and all files below folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cifar_lab.data.picture import MOST_BYTES
from cifar_lab.data.walking import Found, walk
from cifar_lab.wording import printable, shortened

#: Longest name that a message shows whole.
LONGEST = 250


class Handed(NamedTuple):
    """An image that somebody hands over: its name, and its file or the file's content."""

    name: str
    file: Path | bytes


class Failed(NamedTuple):
    """An image, or a folder of images, that is not classified, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        """On one line, whatever the name holds."""
        return f"{shortened(printable(self.name), LONGEST)}: {self.reason}"


@dataclass
class Listed:
    """What words name, in order.

    Attributes:
        images: to be read.
        failed: what can never be read.
        hidden: number of files and folders that are left out, as their names begin with a dot.
    """

    images: list[Handed] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    hidden: int = 0


def listed(words: Iterable[str | Handed]) -> Listed:
    """List files, and all files below folders in the order of their paths; opens none.

    Args:
        words: paths of files and folders, and images that are at hand.
    """
    found = Listed()
    for word in words:
        if isinstance(word, Handed):
            found.images.append(word)
        elif os.path.isdir(word):
            _add_folder(word, found)
        elif os.path.lexists(word):
            found.images.append(Handed(word, Path(word)))
        else:
            found.failed.append(Failed(word, "does not exist"))
    return found


def content_of(name: str, stream: BinaryIO) -> Handed:
    """Read an image from a stream, as far as an image may be long."""
    return Handed(name, stream.read(MOST_BYTES + 1))


def _add_folder(word: str, found: Listed) -> None:
    walked = Found()
    files = walk(Path(word), "", walked)
    found.images += [Handed(path, Path(path)) for path in (os.path.join(word, f) for f in files)]
    found.failed += [
        Failed(os.path.join(word, path) if path else word, reason)
        for path, reason in sorted(walked.unusable)
    ]
    found.hidden += len(walked.hidden)
    if not files and not walked.unusable:
        found.failed.append(Failed(word, "this folder holds no files"))
