"""Image folders: ``root/train/<class>/*`` and ``root/test/<class>/*``."""

from __future__ import annotations

import logging
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.cache import images_file
from cifar_lab.refusal import Refusal

#: Number of decoded images held in memory at the same time.
DECODED_AT_ONCE = 4096

log = logging.getLogger("cifar_lab")

LAYOUT_HINT = "arrange the images as train/<class>/* and test/<class>/* inside it"


@dataclass(frozen=True)
class FolderListing:
    """The files of an image folder by split and class, with classes in alphabetical order.

    Files are strings relative to the root (``train/cat/1.png``): creating and sorting hundreds of
    thousands of ``Path`` objects would take seconds.
    """

    root: Path
    class_names: tuple[str, ...]
    files: dict[str, dict[str, list[str]]]

    def all_files(self) -> list[str]:
        """All files of both splits."""
        return [f for split in self.files.values() for files in split.values() for f in files]


def list_folder(root: Path) -> FolderListing:
    """List an image folder without opening any file. Hidden files and folders are skipped.

    Raises:
        Refusal: a folder is missing, a class is empty, or the test classes differ from the
            training classes; all such problems are reported at once.
    """
    problems = []
    files: dict[str, dict[str, list[str]]] = {}
    for split in ("train", "test"):
        folder = root / split
        if not folder.is_dir():
            problems.append(f"dataset.root={root}: {folder} does not exist; {LAYOUT_HINT}")
            continue
        classes = sorted(entry.name for entry in _visible(folder) if entry.is_dir())
        files[split] = {
            name: [
                f"{split}/{name}/{file}"
                for file in sorted(e.name for e in _visible(folder / name) if e.is_file())
            ]
            for name in classes
        }
        problems += [
            f"dataset.root={root}: class folder {folder / name} contains no files; add images "
            "or remove the folder"
            for name, members in files[split].items()
            if not members
        ]
        if not classes:
            problems.append(f"dataset.root={root}: no class folders in {folder}; {LAYOUT_HINT}")
    if len(files) == 2 and files["train"].keys() != files["test"].keys():
        only_train = sorted(files["train"].keys() - files["test"].keys())
        only_test = sorted(files["test"].keys() - files["train"].keys())
        problems.append(
            f"dataset.root={root}: test classes must match train classes; only in train: "
            f"{_names(only_train)}; only in test: {_names(only_test)}"
        )
    if problems:
        raise Refusal(problems)
    return FolderListing(root, tuple(files["train"]), files)


def decode_folder(
    listing: FolderListing, resize: int | None, skip_unreadable: bool, space: Path
) -> tuple[ImageArrays, ImageArrays]:
    """Decode the training and the test images.

    Args:
        listing: the files to decode.
        resize: side in pixels to which every image is resized (bicubic); None keeps the size,
            which must then be the same for all images.
        skip_unreadable: skip files that are not images, with a warning for each.
        space: a directory; pixels are written to memory-mapped files there, so they are never
            all in memory.

    Raises:
        Refusal: some files are not images, or images differ in size and ``resize`` is None.
    """
    log.info(f"decoding {len(listing.all_files()):,} images from {listing.root} (only once)")
    sizes: Counter[tuple[int, ...]] = Counter()
    decoded = {
        split: _decode_split(listing, split, resize, skip_unreadable, space, sizes)
        for split in listing.files
    }
    if len(sizes) > 1:
        shown = ", ".join(f"{h}×{w} ({n})" for (h, w), n in sizes.most_common(4))
        raise Refusal(
            f"dataset.root={listing.root}: images must all have the same size, got {len(sizes)} "
            f"sizes: {shown}{', …' if len(sizes) > 4 else ''}; set dataset.resize=32 "
            "(or another size)"
        )
    return decoded["train"], decoded["test"]


def _decode_split(
    listing: FolderListing,
    split: str,
    resize: int | None,
    skip_unreadable: bool,
    space: Path,
    sizes: Counter[tuple[int, ...]],
) -> ImageArrays:
    """Decode a few thousand files at a time; count the images of each size in ``sizes``."""
    rows = [
        (file, label)
        for label, name in enumerate(listing.class_names)
        for file in listing.files[split][name]
    ]
    store = _PixelFile(space / images_file(split), len(rows))
    file_sizes: list[tuple[int, int]] = []
    kept: list[tuple[str, int]] = []
    unreadable: list[Path] = []
    with ThreadPoolExecutor() as pool:  # Pillow releases the GIL while it decodes
        for start in range(0, len(rows), DECODED_AT_ONCE):
            chunk = rows[start : start + DECODED_AT_ONCE]
            files = [listing.root / file for file, _ in chunk]
            images = pool.map(lambda file: _decode(file, resize), files, chunksize=64)
            for row, decoded in zip(chunk, images, strict=True):
                if decoded is None:
                    unreadable.append(listing.root / row[0])
                else:
                    image, file_size = decoded
                    sizes[image.shape[:2]] += 1
                    if resize is not None:
                        file_sizes.append(file_size)
                    kept.append(row)
                    store.append(image)
    for file in unreadable if skip_unreadable else []:
        log.warning(f"skipped, not an image: {file}")
    if unreadable and not skip_unreadable:
        shown = ", ".join(map(str, unreadable[:5])) + (", …" if len(unreadable) > 5 else "")
        raise Refusal(
            f"dataset.root={listing.root}: {len(unreadable)} file(s) could not be read as "
            f"images: {shown}; remove them, or set dataset.skip_unreadable=true to skip them"
        )
    _refuse_emptied(listing, split, Counter(label for _, label in kept))
    return ImageArrays(
        images=store.images(),
        labels=np.asarray([label for _, label in kept], dtype=np.int64),
        class_names=listing.class_names,
        sample_ids=np.asarray([file for file, _ in kept]),
        file_sizes=None if resize is None else np.asarray(file_sizes, dtype=np.int32),
    )


class _PixelFile:
    """A memory-mapped file of images; those whose size differs from the first are dropped."""

    def __init__(self, path: Path, most: int) -> None:
        self._path, self._most, self._count = path, most, 0
        self._map: np.memmap[Any, np.dtype[np.uint8]] | None = None

    def append(self, image: NDArray[np.uint8]) -> None:
        if self._map is None:
            self._map = self._mapped(self._path, (self._most, *image.shape))
        if image.shape == self._map.shape[1:]:
            self._map[self._count] = image
            self._count += 1

    def images(self) -> NDArray[np.uint8]:
        """The images, uint8 ``(n, height, width, 3)``, mapped; the file is cut to their number."""
        assert self._map is not None, "a split without images is refused earlier"
        if self._count < self._most:
            whole, unfinished = self._map, self._path.with_suffix(".shorter")
            self._map = self._mapped(unfinished, (self._count, *whole.shape[1:]))
            for start in range(0, self._count, DECODED_AT_ONCE):
                end = min(start + DECODED_AT_ONCE, self._count)
                self._map[start:end] = whole[start:end]
            unfinished.replace(self._path)
        self._map.flush()  # before the cache entry gets its final name
        return self._map

    @staticmethod
    def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _refuse_emptied(listing: FolderListing, split: str, counts: Counter[int]) -> None:
    empty = [name for label, name in enumerate(listing.class_names) if not counts[label]]
    if empty:
        raise Refusal(
            f"dataset.root={listing.root}: no readable images of {_names(empty)} in {split}; "
            "add images or remove the class"
        )


def _decode(file: Path, resize: int | None) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    """Decode to RGB uint8 ``(height, width, 3)``; also return height and width before resizing.

    Returns None if the file could not be read as an image. EXIF orientation is applied, 16-bit
    grey levels are scaled to 8 bits, and transparent areas become white.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            image = _as_rgb(ImageOps.exif_transpose(opened))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    file_size = (image.height, image.width)
    if resize is not None and image.size != (resize, resize):
        image = image.resize((resize, resize), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8), file_size


def _as_rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise ValueError("grey levels without a known range")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image.convert("RGB")


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "") if names else "none"
