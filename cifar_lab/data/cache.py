"""A cache of decoded images as memory-mapped arrays, so that files are decoded only once.

An entry is a directory of arrays with the SHA-256 of each file. Every byte is verified whenever an
entry is opened: hashing CIFAR-10 takes 0.15 s, and reads only what training reads next anyway.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cifar_lab.data.arrays import ImageArrays, SourceImages

#: Part of every key: increase it when decoding changes, so that old entries are not used.
LAYOUT = 1
#: Lists the hash of every other file of an entry, as ``sha256sum --check`` reads it.
HASHES = "SHA256SUMS"
#: Names of the directories in which entries are built.
BUILDING = re.compile(r"[0-9a-z_]+\.\d+\.[0-9a-f]{32}")

log = logging.getLogger("cifar_lab")


class Damaged(OSError):
    """A cache entry whose files are not those that were written; the message names one."""


def cache_key(
    files: Iterable[tuple[str, int, int]], root: Path, settings: dict[str, object]
) -> str:
    """A key that changes with the name, size or modification time of any file, or any setting.

    Args:
        files: path relative to the root, separated by ``/``, size in bytes, and time of the last
            modification in nanoseconds.
        root: the root directory.
        settings: everything else the decoded images depend on.
    """
    digest = hashlib.sha256(json.dumps([LAYOUT, str(root.resolve()), settings]).encode())
    for file in sorted(files):
        digest.update(repr(file).encode())
    return digest.hexdigest()[:32]


def cached(folder: Path, key: str, decode: Callable[[Path], SourceImages]) -> SourceImages:
    """Load the images from ``folder/key``; decode them first if the entry is missing or damaged.

    An entry is created by a single rename, so it is either complete or absent: if two processes
    decode at the same time, the slower one discards its result and uses the other's.

    Args:
        folder: parent directory of all cache entries.
        key: from :func:`cache_key`.
        decode: returns the images; called only when the entry is missing or damaged, with a
            directory to which it may already write the pixels, as :func:`images_file`.

    Raises:
        OSError: the directory cannot be written to.
    """
    entry = folder / key
    if entry.is_dir():
        try:
            return _read(entry)
        except OSError as error:
            log.warning(f"{entry}: {error}; the images are decoded again")
            _remove(entry)
    folder.mkdir(parents=True, exist_ok=True)
    with _building(folder, key) as building:
        try:
            _write(building, decode(building))
            building.rename(entry)
        except OSError:
            if not entry.is_dir():  # a real failure, not a lost race
                raise
    return _read(entry)


def images_file(split: str) -> str:
    """Name of the file with the pixels of a split, ``train`` or ``test``."""
    return f"{split}_images.npy"


@contextlib.contextmanager
def _building(folder: Path, key: str) -> Iterator[Path]:
    """A new directory to build an entry in; those of processes that were killed are removed.

    The builder holds a lock on its directory, which ends with the process however it ends.
    """
    with contextlib.ExitStack() as held:
        with _locked(folder) as works:  # until the directory is locked, it would look abandoned
            if works:
                _clear_abandoned(folder)
            building = folder / f"{key}.{os.getpid()}.{uuid.uuid4().hex}"
            building.mkdir()  # not mkdtemp, whose directories only the owner can read
            held.enter_context(_locked(building))
        try:
            yield building
        finally:
            shutil.rmtree(building, ignore_errors=True)


def _clear_abandoned(folder: Path) -> None:
    for name in os.listdir(folder):
        if BUILDING.fullmatch(name):
            with contextlib.suppress(OSError), _locked(folder / name, fcntl.LOCK_NB) as works:
                if works:
                    shutil.rmtree(folder / name, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, how: int = 0) -> Iterator[bool]:
    """Hold a lock on a directory; False where the file system has no locks, as NFS may not.

    Raises:
        BlockingIOError: another process holds it, and ``how`` is ``LOCK_NB``.
    """
    descriptor, works = os.open(folder, os.O_RDONLY), True
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        except BlockingIOError:
            raise
        except OSError:
            works = False
        yield works
    finally:
        os.close(descriptor)


def _remove(entry: Path) -> None:
    """Remove an entry at once, as another process may be about to open it."""
    doomed = entry.with_name(f"{entry.name}.{os.getpid()}.{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        entry.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _write(entry: Path, source: SourceImages) -> None:
    for split, arrays in {"train": source.train, "test": source.test}.items():
        if not (entry / images_file(split)).is_file():
            np.save(entry / images_file(split), arrays.images)
        np.save(entry / f"{split}_labels.npy", arrays.labels)
        np.save(entry / f"{split}_sample_ids.npy", arrays.sample_ids)
        if arrays.file_sizes is not None:
            np.save(entry / f"{split}_file_sizes.npy", arrays.file_sizes)
    if source.validation is not None:
        np.save(entry / "validation_rows.npy", source.validation)
    meta = {
        "class_names": source.train.class_names,
        "fingerprint": source.fingerprint,
        "notes": source.notes,
    }
    (entry / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    lines = [f"{found}  {name}\n" for name, found in _hashes(sorted(os.listdir(entry)), entry)]
    (entry / HASHES).write_text("".join(lines))
    for file in entry.iterdir():  # must be on disk before the rename makes them visible
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _read(entry: Path) -> SourceImages:
    names = _verified(entry)
    meta = json.loads((entry / "meta.json").read_text(encoding="utf-8"))

    def optional(name: str) -> np.ndarray | None:
        return np.load(entry / name) if name in names else None

    def split(name: str) -> ImageArrays:
        return ImageArrays(
            images=np.load(entry / images_file(name), mmap_mode="r"),
            labels=np.load(entry / f"{name}_labels.npy"),
            class_names=tuple(meta["class_names"]),
            sample_ids=np.load(entry / f"{name}_sample_ids.npy"),
            file_sizes=optional(f"{name}_file_sizes.npy"),
        )

    return SourceImages(
        split("train"),
        split("test"),
        meta["fingerprint"],
        optional("validation_rows.npy"),
        tuple(meta["notes"]),
    )


def _verified(entry: Path) -> set[str]:
    """The names of an entry's files, after comparing every byte with the hashes.

    Raises:
        Damaged: a file is missing, new or different, or the entry has no hashes.
    """
    if not (entry / HASHES).is_file():
        raise Damaged(
            "this cache entry has no hashes to verify it with, like those of old versions"
        )
    lines = (entry / HASHES).read_bytes().decode(errors="replace").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    names = sorted(name for name in os.listdir(entry) if name != HASHES)
    for name in sorted(listed.keys() ^ set(names)):
        raise Damaged(f"this cache entry is damaged: {name} is missing or not one of its files")
    for name, found in _hashes(names, entry):
        if found != listed[name]:
            raise Damaged(f"this cache entry is damaged: {name} has changed since it was written")
    return set(names)


def _hashes(names: list[str], entry: Path) -> list[tuple[str, str]]:
    def hashed(name: str) -> str:
        digest = hashlib.sha256()
        with open(entry / name, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        return digest.hexdigest()

    with ThreadPoolExecutor() as pool:  # hashing releases the GIL
        return list(zip(names, pool.map(hashed, names), strict=True))
