"""Decodes the images of a folder into files of pixels."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.cache import images_file
from cifar_lab.data.collecting import DECODED_AT_ONCE, Collector, Part, Row
from cifar_lab.data.folders import FolderListing
from cifar_lab.data.layout import first_few
from cifar_lab.data.rgb import decoded
from cifar_lab.refusal import Refusal

log = logging.getLogger("cifar_lab")


@dataclass(frozen=True)
class Decoded:
    """The images of a folder.

    Attributes:
        train: for training and validation.
        test: for testing; None if the folder does not hold them apart.
        validation: int64, rows of ``train`` that come from a validation folder; None without one.
        notes: sentences about skipped files.
    """

    train: ImageArrays
    test: ImageArrays | None
    validation: NDArray[np.int64] | None
    notes: tuple[str, ...]


def decode_folder(
    listing: FolderListing, resize: int | None, skip_unreadable: bool, space: Path
) -> Decoded:
    """Decode all images; those of a validation folder follow the training images.

    Args:
        listing: the files to decode; its test split may be absent.
        resize: side in pixels to which every image is resized (bicubic); None keeps the size,
            which must then be the same for all images.
        skip_unreadable: skip files that are not images, with a warning for each.
        space: a directory; pixels are written to memory-mapped files there, so they are never
            all in memory.

    Raises:
        Refusal: some files are not images, a class has no image left, or images differ in size
            and ``resize`` is None; all of that is reported at once.
    """
    log.info(f"decoding {len(listing.all_files()):,} images from {listing.root} (only once)")
    collector = Collector(listing.class_names, resize)
    train = collector.split(_parts(listing, ["train", "val"], resize), space / images_file("train"))
    test = collector.split(_parts(listing, ["test"], resize), space / images_file("test"))
    problems = [] if skip_unreadable else collector.unreadable_problems()
    problems += _emptied_problems(listing, collector) + collector.size_problems()
    if problems:
        raise Refusal([f"dataset.root={listing.root}: {problem}" for problem in problems])
    assert train is not None, "a listing without training images is refused"
    for file, reason in collector.unreadable:
        log.warning(f"skipped, not an image: {listing.root / file} ({reason})")
    rows = np.arange(collector.kept["train"], len(train)) if "val" in listing.files else None
    return Decoded(train, test, rows, collector.notes())


def _parts(listing: FolderListing, splits: Sequence[str], resize: int | None) -> list[Part]:
    parts = []
    for split in splits:
        if split in listing.files:
            files = [
                (label, file)
                for label, name in enumerate(listing.class_names)
                for file in listing.files[split][name]
            ]
            parts.append(Part(split, _decoded(listing.root, files, resize), len(files)))
    return parts


def _decoded(root: Path, files: Sequence[tuple[int, str]], resize: int | None) -> Iterator[Row]:
    with ThreadPoolExecutor() as pool:  # Pillow releases the GIL while it decodes
        for start in range(0, len(files), DECODED_AT_ONCE):
            chunk = files[start : start + DECODED_AT_ONCE]
            images = pool.map(lambda row: decoded(root / row[1], resize), chunk, chunksize=64)
            for (label, file), image in zip(chunk, images, strict=True):
                yield file, label, image


def _emptied_problems(listing: FolderListing, collector: Collector) -> list[str]:
    """A sentence for each split whose classes have files, none of which is an image."""
    problems = []
    for split, files in listing.files.items():
        empty = collector.emptied(split)
        if empty:
            place = files[empty[0]][0].split("/")[0] if split != "train" else split
            problems.append(
                f"no readable images of {first_few(empty)} in {place}; add images or remove "
                "the class"
            )
    return problems
