"""A cache of decoded images as memory-mapped arrays, so that files are decoded only once."""

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

#: Part of every key: increase it when decoding changes, so that old entries are not used.
LAYOUT = 1


def cache_key(files: Iterable[str], root: Path, settings: dict[str, object]) -> str:
    """A key that changes with the name, size or modification time of any file, or any setting.

    Args:
        files: paths relative to the root, separated by ``/``.
        root: the root directory.
        settings: everything else the decoded images depend on.
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
    """Load the arrays from ``folder/key``; decode them first if the entry does not exist.

    An entry is created by a single rename, so it is either complete or absent: if two processes
    decode at the same time, the slower one discards its result and uses the other's.

    Args:
        folder: parent directory of all cache entries.
        key: from :func:`cache_key`.
        decode: returns the training and the test images; called only when the entry is missing,
            with a directory to which it may already write the pixels, as :func:`images_file`.

    Raises:
        OSError: the directory cannot be written to.
        Refusal: the entry exists but is damaged.
    """
    entry = folder / key
    if not entry.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        building = folder / f"{key}.{os.getpid()}.{uuid.uuid4().hex}"
        building.mkdir()  # not mkdtemp, whose directories only the owner can read
        try:
            train, test = decode(building)
            _write(building, {"train": train, "test": test})
            building.rename(entry)
        except OSError:
            if not entry.is_dir():  # a real failure, not a lost race
                raise
        finally:
            shutil.rmtree(building, ignore_errors=True)
    try:
        return _read(entry)
    except (OSError, ValueError, KeyError) as error:
        raise Refusal(f"the cache entry {entry} is damaged ({error}); delete it") from error


def images_file(split: str) -> str:
    """Name of the file with the pixels of a split, ``train`` or ``test``."""
    return f"{split}_images.npy"


def fingerprint(train: ImageArrays, test: ImageArrays) -> str:
    """A single SHA-256 for the whole data set."""
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
    for file in entry.iterdir():  # must be on disk before the rename makes them visible
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
