"""Reads and writes the files of a run; what is read is held against the run's manifest.

Files and their entries cannot be replaced at the same instant. Therefore the new entries are first
added to the manifest as pending, then the files are replaced, and then the entries become those of
the files. A file must match its entry or its pending entry. Whenever the process dies, each file is
therefore either the old or the new one, and both are known; any other content is damage. Repeating
the verb writes the files and their entries again.

The manifest is read and replaced under the run's lock, so that no entry of another process is lost.

Three files are left out, because they are no result and change without one: ``status.json`` is
replaced whenever a process starts or ends, ``run.log`` grows with each line, and ``.lock`` is
empty.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import write_atomically
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.manifest import Entry, Manifest, entry, read_manifest, write_manifest
from cifar_lab.run.status import locked

#: How long to wait for another process that is writing in the folder.
PATIENCE_SECONDS = 60.0
#: The lock of a run is held by the process; a background thread may write for it as well.
_ONE_THREAD = threading.Lock()


class Store:
    """The files of one run.

    A run from before runs had a manifest is read and written without one.

    Args:
        folder: of the run. Creating an instance reads nothing.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._stamp: tuple[int, ...] | None = None
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest | None:
        """The manifest as it is now; None for a run from before. Read again only if replaced.

        Raises:
            Refusal: it is damaged.
        """
        try:
            stamp = _stamp(self.folder.manifest)
        except OSError:
            self._stamp = self._manifest = None
            return None
        if stamp != self._stamp:
            self._manifest = read_manifest(self.folder.manifest)
            self._stamp = stamp
        return self._manifest

    @property
    def id(self) -> str | None:
        """The run's id; None for a run from before."""
        return None if self.manifest is None else self.manifest.id

    def has(self, path: Path) -> bool:
        """Whether the run has the file; True as well if it is lost, which reading it tells."""
        return path.is_file() or self._is_listed(path)

    def listed(self, folder: str) -> list[Path]:
        """The files that the run wrote in a folder of its own; none for a run from before."""
        names = [] if self.manifest is None else self.manifest.files
        return [self.folder.path / name for name in names if name.startswith(f"{folder}/")]

    def read(self, path: Path) -> bytes:
        """Reads a file.

        Raises:
            Refusal: it is not the file that was written, or is lost.
            OSError: it could not be read.
        """
        before = self.manifest
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            if self._is_listed(path):
                lost = f"{path} is missing, but manifest.json lists it"
                raise Refusal(f"{lost}; {self._what_to_do(path)}") from error
            raise
        if before is None:
            return content
        found = entry(content)
        # Another process may have replaced the file since the manifest was read.
        if found not in before.expected(self._name(path)) and found not in self._expected(path):
            problem = (
                "its SHA-256 is not the one in manifest.json, so it was damaged or replaced"
                if self._expected(path)
                else "it is not one of the run's files: manifest.json does not list it"
            )
            raise Refusal(f"{path} was refused: {problem}; {self._what_to_do(path)}")
        return content

    def expect(self, path: Path) -> None:
        """Refuses a listed file that is lost or cut off, without reading it, which is for later.

        Raises:
            Refusal: likewise.
        """
        sizes = [each.size for each in self._expected(path)]
        found = path.stat().st_size if path.is_file() else None
        if self._is_listed(path) and found not in sizes:
            now = "is missing" if found is None else f"has {found:,} bytes instead of {sizes[0]:,}"
            raise Refusal(f"{path} {now}, by manifest.json; {self._what_to_do(path)}")

    def write(self, contents: Mapping[Path, str | bytes]) -> None:
        """Writes files and their entries, in this order.

        Raises:
            Refusal: another process has been writing in the folder for too long.
            OSError: they could not be written.
        """
        plain = {
            path: content.encode() if isinstance(content, str) else content
            for path, content in contents.items()
        }
        with self.entering(plain):
            for path, content in plain.items():
                write_atomically(path, content)

    def remove(self, paths: Sequence[Path]) -> None:
        """Removes files that are no longer needed, their entries first.

        Raises:
            Refusal: as :meth:`write`.
        """
        if not paths:
            return
        with _ONE_THREAD, locked(self.folder, PATIENCE_SECONDS):
            if self.manifest is not None:
                names = {self._name(path) for path in paths}
                write_manifest(self.folder.manifest, self._settled().without(names))
            for path in paths:
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def entering(self, contents: Mapping[Path, bytes]) -> Iterator[None]:
        """Announces the entries of files that are written inside, and enters them afterwards.

        Raises:
            Refusal: as :meth:`write`.
        """
        if self.manifest is None:
            yield
            return
        with _ONE_THREAD, locked(self.folder, PATIENCE_SECONDS):
            entries = {self._name(path): entry(content) for path, content in contents.items()}
            announced = self._settled().announcing(entries)
            self._replace(announced)
            yield
            self._replace(announced.entering(entries))

    def _replace(self, manifest: Manifest) -> None:
        write_manifest(self.folder.manifest, manifest)
        self._manifest, self._stamp = manifest, _stamp(self.folder.manifest)

    def _settled(self) -> Manifest:
        """Decides about what is pending since a process died: it was written, or it was not."""
        manifest = self.manifest
        assert manifest is not None
        for name, pending in manifest.pending.items():
            path = self.folder.path / name
            found = entry(path.read_bytes()) if path.is_file() else None
            if found == pending:
                manifest = manifest.entering({name: pending})
            elif found == manifest.files.get(name):
                manifest = manifest.dropping(name)
        return manifest

    def _is_listed(self, path: Path) -> bool:
        manifest = self.manifest
        return manifest is not None and self._name(path) in manifest.files

    def _expected(self, path: Path) -> list[Entry]:
        return [] if self.manifest is None else self.manifest.expected(self._name(path))

    def _what_to_do(self, path: Path) -> str:
        if self.folder.draws_again(path):
            return "delete it, and `cifar-lab report` or `explain` will make it again"
        return "restore a copy of it"

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder.path).as_posix()


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes whenever a file is replaced."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
