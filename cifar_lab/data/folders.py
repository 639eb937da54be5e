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

#: Files whose decoded images are in memory together.
DECODED_AT_ONCE = 4096

log = logging.getLogger("cifar_lab")

LAYOUT_HINT = "lay the images out as train/<class>/* and test/<class>/* below it"


@dataclass(frozen=True)
class FolderListing:
    """The files of an image folder by split and class, classes in alphabetical order.

    Files are named below the root, ``train/cat/1.png``: paths of hundreds of thousands of files
    would take seconds to make and sort.
    """

    root: Path
    class_names: tuple[str, ...]
    files: dict[str, dict[str, list[str]]]

    def all_files(self) -> list[str]:
        """Every file of both splits."""
        return [f for split in self.files.values() for files in split.values() for f in files]


def list_folder(root: Path) -> FolderListing:
    """Lists an image folder without opening a file. Hidden files and folders are left out.

    Raises:
        Refusal: a folder is missing, a class is empty, or the test classes are not the training
            classes; all such problems at once.
    """
    problems = []
    files: dict[str, dict[str, list[str]]] = {}
    for split in ("train", "test"):
        folder = root / split
        if not folder.is_dir():
            problems.append(f"dataset.root={root}: no folder {folder}; {LAYOUT_HINT}")
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
            f"dataset.root={root}: class folder {folder / name} holds no files; add images or "
            "remove the folder"
            for name, members in files[split].items()
            if not members
        ]
        if not classes:
            problems.append(f"dataset.root={root}: no class folders in {folder}; {LAYOUT_HINT}")
    if len(files) == 2 and files["train"].keys() != files["test"].keys():
        only_train = sorted(files["train"].keys() - files["test"].keys())
        only_test = sorted(files["test"].keys() - files["train"].keys())
        problems.append(
            f"dataset.root={root}: test classes must equal train classes; only in train: "
            f"{_names(only_train)}; only in test: {_names(only_test)}"
        )
    if problems:
        raise Refusal(problems)
    return FolderListing(root, tuple(files["train"]), files)


def decode_folder(
    listing: FolderListing, resize: int | None, skip_unreadable: bool, space: Path
) -> tuple[ImageArrays, ImageArrays]:
    """Decodes the training and the test images.

    Args:
        listing: what to decode.
        resize: side in pixels to which every image is scaled (bicubic); None keeps the size,
            which must then be the same for all.
        skip_unreadable: leave out files that are no images, with a warning for each.
        space: a folder; pixels go into mapped files there and are never all in memory.

    Raises:
        Refusal: files that are no images, or images of several sizes without ``resize``.
    """
    log.info(f"decoding {len(listing.all_files()):,} images of {listing.root} (once)")
    sizes: Counter[tuple[int, ...]] = Counter()
    decoded = {
        split: _decode_split(listing, split, resize, skip_unreadable, space, sizes)
        for split in listing.files
    }
    if len(sizes) > 1:
        shown = ", ".join(f"{h}×{w} ({n})" for (h, w), n in sizes.most_common(4))
        raise Refusal(
            f"dataset.root={listing.root}: images must be of one size, got {len(sizes)} sizes: "
            f"{shown}{', …' if len(sizes) > 4 else ''}; set dataset.resize=32 (or another side)"
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
    """Decodes some thousand files at once; adds the images of each size to ``sizes``."""
    rows = [
        (file, label)
        for label, name in enumerate(listing.class_names)
        for file in listing.files[split][name]
    ]
    store = _PixelFile(space / images_file(split), len(rows))
    file_sizes: list[tuple[int, int]] = []
    kept: list[tuple[str, int]] = []
    unreadable: list[Path] = []
    with ThreadPoolExecutor() as pool:  # Pillow lets go of the interpreter while it decodes
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
        log.warning(f"left out, not an image: {file}")
    if unreadable and not skip_unreadable:
        shown = ", ".join(map(str, unreadable[:5])) + (", …" if len(unreadable) > 5 else "")
        raise Refusal(
            f"dataset.root={listing.root}: {len(unreadable)} file(s) are no image that can be "
            f"read: {shown}; remove them, or set dataset.skip_unreadable=true to leave them out"
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
    """Images of one size one after the other in a mapped file; those of another are left out."""

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
        """uint8 ``(n, height, width, 3)``, mapped; the file is as long as there are images."""
        assert self._map is not None, "a split without images is refused before"
        if self._count < self._most:
            whole, unfinished = self._map, self._path.with_suffix(".shorter")
            self._map = self._mapped(unfinished, (self._count, *whole.shape[1:]))
            for start in range(0, self._count, DECODED_AT_ONCE):
                end = min(start + DECODED_AT_ONCE, self._count)
                self._map[start:end] = whole[start:end]
            unfinished.replace(self._path)
        self._map.flush()  # before the file is given the name that others look for
        return self._map

    @staticmethod
    def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
        return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)


def _refuse_emptied(listing: FolderListing, split: str, counts: Counter[int]) -> None:
    empty = [name for label, name in enumerate(listing.class_names) if not counts[label]]
    if empty:
        raise Refusal(
            f"dataset.root={listing.root}: no readable image of {_names(empty)} in {split}; "
            "add images or remove the class"
        )


def _decode(file: Path, resize: int | None) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    """RGB uint8 ``(height, width, 3)``, and height and width before it was scaled.

    None where the file is no image that can be read.
    Upright as its EXIF data says; 16-bit grey levels scaled to 8; what is transparent, white.
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
