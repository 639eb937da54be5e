"""The images that words name: files, folders, a list of paths, or what standard input holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cifar_lab.refusal import Refusal

if TYPE_CHECKING:
    from cifar_lab.deploy.finding import Listed

#: The word that stands for standard input.
STDIN = "-"


def images_of(words: Sequence[str], source: str | None) -> Listed:
    """List images in order, those of a list of paths last; opens none but standard input.

    Args:
        words: files, folders, or ``-`` for the bytes of an image in standard input.
        source: a file with a path on each line, or ``-``; None for no list.
    """
    from cifar_lab.deploy.finding import content_of, listed

    named = [content_of(STDIN, _stdin()) if word == STDIN else word for word in words]
    return listed([*named, *([] if source is None else _lines(source))])


def _lines(source: str) -> list[str]:
    """Return the lines of a list that are not empty; names need not be UTF-8."""
    try:
        content = _stdin().read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        raise Refusal(f"--from {source} could not be read: {error.strerror}") from error
    return [os.fsdecode(line) for line in content.splitlines() if line.strip()]


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise Refusal("standard input is closed; name image files")
    return sys.stdin.buffer
