"""Near-duplicates of a data set: looked for once, then kept beside the other caches."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from pathlib import Path

import numpy as np

from cifar_lab.assembly.precision import cache_folder
from cifar_lab.data import near_duplicates as search
from cifar_lab.data.arrays import SourceImages
from cifar_lab.data.near_duplicates import NearDuplicates, near_duplicates
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import packed, read_arrays, write_atomically

#: Up to this many images, they are looked for each time, which takes less than a second.
SMALL = 2_000
#: Increase it when the search changes, so that what was kept before is not used.
VERSION = 1

log = logging.getLogger("cifar_lab")


def kept_near_duplicates(source: SourceImages) -> NearDuplicates:
    """The near-duplicates among all training images, followed by all test images."""
    splits = [source.train, source.test]
    number = sum(map(len, splits))
    if number <= SMALL:
        return near_duplicates(splits)
    file = cache_folder("near_duplicates") / f"{_key(source)}.npz"
    kept = _kept(file, number)
    if kept is not None:
        return kept
    log.info(f"looking for near-duplicates among {number:,} images, once for this data set")
    found = near_duplicates(splits)
    with contextlib.suppress(OSError):  # without a place, they are looked for every time
        write_atomically(file, packed({**vars(found), "reason": np.asarray(found.reason)}))
    return found


def _key(source: SourceImages) -> str:
    """Changes with the images and with whatever decides which are near-duplicates."""
    settings = {name: value for name, value in vars(search).items() if name.isupper()}
    sizes = [split.original_sizes() for split in (source.train, source.test)]
    digest = hashlib.sha256(json.dumps([VERSION, source.fingerprint, settings]).encode())
    for values in sizes:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:32]


def _kept(file: Path, number: int) -> NearDuplicates | None:
    """What an earlier search found; None if there was none, or its file is damaged."""
    if not file.is_file():
        return None
    try:
        arrays = read_arrays(file, ("pairs", "alike", "mirrored", "reason"))
    except Refusal:
        return None
    pairs, alike, mirrored = arrays["pairs"], arrays["alike"], arrays["mirrored"]
    sound = pairs.shape == (len(alike), 2) and mirrored.shape == alike.shape
    if not sound or pairs.dtype != np.int64 or (pairs < 0).any() or (pairs >= number).any():
        return None
    return NearDuplicates(pairs, alike, mirrored, str(arrays["reason"]))
