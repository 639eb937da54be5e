"""manifest.json: the id of a run, and size and hash of each of its files and of itself.

The hash of the file itself is that of its content with an empty ``checksum``: all its other bits
are covered, and those of the checksum by being compared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import object_text, read_object, write_atomically

#: Where the checksum stands in the file.
CHECKSUM = re.compile(rb'(?<="checksum": ")[^"]*')


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
        checksum: SHA-256 of the file with an empty checksum, in hexadecimal; empty until it is
            written, and in older runs.
    """

    id: str
    files: dict[str, Entry]
    pending: dict[str, Entry]
    checksum: str

    @classmethod
    def of(cls, identity: str, files: dict[str, Entry]) -> Manifest:
        """A manifest of files that are written."""
        return cls(identity, files, pending={}, checksum="")

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


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Writes a manifest with its checksum, atomically.

    Raises:
        OSError: it could not be written.
    """
    unsealed = object_text(replace(manifest, checksum=""))
    digest = hashlib.sha256(unsealed.encode()).hexdigest()
    write_atomically(path, object_text(replace(manifest, checksum=digest)))


def read_manifest(path: Path) -> Manifest:
    """Reads what :func:`write_manifest` of this version, or an older version, wrote.

    Raises:
        Refusal: it is missing or damaged.
    """
    return read_object(path, Manifest, _whole)


def _whole(path: Path) -> bytes:
    """The content of a manifest that is the one that was written, or that has no checksum.

    Only older formats may lack it, which is told when the object is read.
    """
    content = path.read_bytes()
    said = CHECKSUM.search(content)
    if said and said[0] != hashlib.sha256(CHECKSUM.sub(b"", content)).hexdigest().encode():
        raise Refusal(
            f"{path} was refused: its SHA-256 is not its `checksum`, so it was damaged or changed; "
            "restore a copy of it"
        )
    return content
