"""Decoded images kept as memory-mapped arrays, so that files are decoded once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from cifar_lab.data.arrays import ImageArrays, SourceImages
from cifar_lab.refusal import Refusal

#: Part of every key: raise it when decoding changes, and old caches are not read again.
LAYOUT = 1


def cache_key(files: Iterable[str], root: Path, settings: dict[str, object]) -> str:
    """A key that changes with the name, size or modification time of any file, or a setting.

    Args:
        files: their paths below the root, with ``/``.
        root: the folder.
        settings: what else the decoded images depend on.
    """
    digest = hashlib.sha256(json.dumps([LAYOUT, str(root.resolve()), settings]).encode())
    for file in sorted(files):
        stat = os.stat(f"{root}/{file}")
        entry = (file, stat.st_size, stat.st_mtime_ns)
        digest.update(repr(entry).encode())
    return digest.hexdigest()[:32]


def cached(
    folder: Path, key: str, decode: Callable[[Path], tuple[ImageArrays, ImageArrays]]
) -> SourceImages:
    """The arrays under ``folder/key``, decoded first where they are not there yet.

    A cache entry appears by one rename, whole or not at all: of two processes that decode at
    once, the later finds the entry of the earlier and drops its own.

    Args:
        folder: parent of all cache entries.
        key: from :func:`cache_key`.
        decode: gives the training and the test images; called only when the entry is missing, with
            a folder in which it may put pixels as :func:`images_file` already.

    Raises:
        OSError: the folder cannot be written.
        Refusal: the entry is there, but damaged.
    """
    entry = folder / key
    if not entry.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        building = folder / f"{key}.{os.getpid()}.{uuid.uuid4().hex}"
        building.mkdir()  # not mkdtemp, whose folders none but their owner can read
        try:
            train, test = decode(building)
            _write(building, {"train": train, "test": test})
            building.rename(entry)
        except OSError:
            if not entry.is_dir():  # not a lost race: a real failure
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    try:
        return _read(entry)
    except (OSError, ValueError, KeyError) as error:
        raise Refusal(f"the cache entry {entry} is damaged ({error}); delete it") from error


def images_file(split: str) -> str:
    """Name of the file of a split's pixels: ``train`` or ``test``."""
    return f"{split}_images.npy"


def fingerprint(train: ImageArrays, test: ImageArrays) -> str:
    """One SHA-256 for a whole data set."""
    return hashlib.sha256((train.fingerprint() + test.fingerprint()).encode()).hexdigest()


def _write(entry: Path, splits: dict[str, ImageArrays]) -> None:
    for split, arrays in splits.items():
        if not (entry / images_file(split)).is_file():
            np.save(entry / images_file(split), arrays.images)
        np.save(entry / f"{split}_labels.npy", arrays.labels)
        np.save(entry / f"{split}_sample_ids.npy", arrays.sample_ids)
        if arrays.file_sizes is not None:
            np.save(entry / f"{split}_file_sizes.npy", arrays.file_sizes)
    meta = {
        "class_names": splits["train"].class_names,
        "fingerprint": fingerprint(splits["train"], splits["test"]),
    }
    (entry / "meta.json").write_text(json.dumps(meta, indent=1))
    for file in entry.iterdir():  # on disk before the rename makes them visible
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _read(entry: Path) -> SourceImages:
    meta = json.loads((entry / "meta.json").read_text())

    def split(name: str) -> ImageArrays:
        file_sizes = entry / f"{name}_file_sizes.npy"
        return ImageArrays(
            images=np.load(entry / images_file(name), mmap_mode="r"),
            labels=np.load(entry / f"{name}_labels.npy"),
            class_names=tuple(meta["class_names"]),
            sample_ids=np.load(entry / f"{name}_sample_ids.npy"),
            file_sizes=np.load(file_sizes) if file_sizes.is_file() else None,
        )

    return SourceImages(split("train"), split("test"), meta["fingerprint"])
