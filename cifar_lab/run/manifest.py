"""manifest.json: the id of a run, and size and hash of each of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace


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
        pending: what is being written, likewise; empty unless a process is writing, or died while
            it was.
    """

    id: str
    files: dict[str, Entry]
    pending: dict[str, Entry]

    def expected(self, name: str) -> list[Entry]:
        """What the file may contain: one entry, two while it is being replaced, or none."""
        return [files[name] for files in (self.files, self.pending) if name in files]

    def announcing(self, entries: Mapping[str, Entry]) -> Manifest:
        """The manifest before files are written."""
        return replace(self, pending={**self.pending, **entries})

    def dropping(self, name: str) -> Manifest:
        """The manifest without the pending entry of a file."""
        return replace(self, pending={k: each for k, each in self.pending.items() if k != name})

    def without(self, names: Collection[str]) -> Manifest:
        """The manifest without the entries of files."""
        return replace(self, files={k: each for k, each in self.files.items() if k not in names})

    def entering(self, entries: Mapping[str, Entry]) -> Manifest:
        """The manifest after they were written."""
        pending = {name: each for name, each in self.pending.items() if name not in entries}
        return replace(self, files={**self.files, **entries}, pending=pending)


def entry(content: bytes) -> Entry:
    """Describes the content of a file."""
    return Entry(len(content), hashlib.sha256(content).hexdigest())
