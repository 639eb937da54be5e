"""manifest.json: the id of a run, and size and hash of each of its files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """What a file contains.

    Attributes:
        size: in bytes.
        sha256: of the content, in hexadecimal.
    """

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a run.

    Attributes:
        id: of the run: random, 32 hexadecimal digits.
        files: by path relative to the run's folder.
    """

    id: str
    files: dict[str, Entry]


def entry(content: bytes) -> Entry:
    """Describes the content of a file."""
    return Entry(len(content), hashlib.sha256(content).hexdigest())
