"""Decodes the images of a folder into files of pixels."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.cache import images_file
from cifar_lab.data.folders import FolderListing
from cifar_lab.data.layout import first_few
from cifar_lab.data.pixel_file import PixelFile
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, plural

#: Number of decoded images held in memory at the same time.
DECODED_AT_ONCE = 4096

log = logging.getLogger("cifar_lab")

#: Split, label and file.
_Row = tuple[str, int, str]
#: An image and its height and width in the file.
_Image = tuple[NDArray[np.uint8], tuple[int, int]]


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
    decoder = _Decoder(listing, resize)
    train = decoder.split(["train", "val"], space / images_file("train"))
    test = decoder.split(["test"], space / images_file("test"))
    problems = [] if skip_unreadable else decoder.unreadable_problems()
    problems += decoder.emptied_problems() + decoder.size_problems()
    if problems:
        raise Refusal([f"dataset.root={listing.root}: {problem}" for problem in problems])
    assert train is not None, "a listing without training images is refused"
    for file, reason in decoder.unreadable:
        log.warning(f"skipped, not an image: {listing.root / file} ({reason})")
    rows = np.arange(decoder.kept["train"], len(train)) if "val" in listing.files else None
    return Decoded(train, test, rows, decoder.notes())


class _Decoder:
    """Decodes splits, and remembers what is wrong with their files.

    Attributes:
        unreadable: files that are not images, with the reason.
        kept: number of decoded images by split.
    """

    def __init__(self, listing: FolderListing, resize: int | None) -> None:
        self.unreadable: list[tuple[str, str]] = []
        self.kept: Counter[str] = Counter()
        self._listing, self._resize = listing, resize
        self._classes: Counter[tuple[str, int]] = Counter()
        self._sizes: dict[tuple[int, ...], list[str]] = {}

    def split(self, splits: Sequence[str], path: Path) -> ImageArrays | None:
        """Decode the files of some splits into one file of pixels; None if there are no files."""
        rows = [
            (split, label, file)
            for split in splits
            if split in self._listing.files
            for label, name in enumerate(self._listing.class_names)
            for file in self._listing.files[split][name]
        ]
        store = PixelFile(path, len(rows))
        labels, ids, file_sizes = [], [], []
        for (split, label, file), decoded in self._decoded(rows):
            if isinstance(decoded, str):
                self.unreadable.append((file, decoded))
                continue
            image, file_size = decoded
            self.kept[split] += 1
            self._classes[split, label] += 1
            self._sizes.setdefault(image.shape[:2], []).append(file)
            store.append(image)
            labels.append(label)
            ids.append(file)
            file_sizes.append(file_size)
        if not ids:
            return None
        return ImageArrays(
            images=store.images(),
            labels=np.asarray(labels, dtype=np.int64),
            class_names=self._listing.class_names,
            sample_ids=np.asarray(ids),
            file_sizes=None if self._resize is None else np.asarray(file_sizes, dtype=np.int32),
        )

    def _decoded(self, rows: Sequence[_Row]) -> Iterator[tuple[_Row, _Image | str]]:
        """Each row with its decoded image, or with the reason why it is not an image."""
        root, resize = self._listing.root, self._resize
        with ThreadPoolExecutor() as pool:  # Pillow releases the GIL while it decodes
            for start in range(0, len(rows), DECODED_AT_ONCE):
                chunk = rows[start : start + DECODED_AT_ONCE]
                files = [root / file for _, _, file in chunk]
                images = pool.map(lambda file: _decode(file, resize), files, chunksize=64)
                yield from zip(chunk, images, strict=True)

    def unreadable_problems(self) -> list[str]:
        """At most one sentence, about all splits."""
        if not self.unreadable:
            return []
        return [
            f"{plural(len(self.unreadable), 'file', 'files')} could not be read as images: "
            f"{self._unreadable()}; remove them, or set dataset.skip_unreadable=true to skip them"
        ]

    def notes(self) -> tuple[str, ...]:
        """At most one sentence about skipped files."""
        if not self.unreadable:
            return ()
        count = plural(len(self.unreadable), "file", "files")
        return (f"skipped {count} that could not be read as images: {self._unreadable()}",)

    def _unreadable(self) -> str:
        return first_few([f"{file} ({reason})" for file, reason in self.unreadable])

    def emptied_problems(self) -> list[str]:
        """A sentence for each split whose classes have files, none of which is an image."""
        problems = []
        for split, files in self._listing.files.items():
            names = self._listing.class_names
            empty = [n for label, n in enumerate(names) if not self._classes[split, label]]
            if empty:
                place = files[empty[0]][0].split("/")[0] if split != "train" else split
                problems.append(
                    f"no readable images of {first_few(empty)} in {place}; add images or remove "
                    "the class"
                )
        return problems

    def size_problems(self) -> list[str]:
        """At most one sentence, with an example of each size."""
        if len(self._sizes) < 2:
            return []
        by_count = sorted(self._sizes.items(), key=lambda item: -len(item[1]))
        shown = ", ".join(f"{h}×{w} ({len(f)}, e.g. {f[0]})" for (h, w), f in by_count[:4])
        return [
            f"images must all have the same size, got {len(by_count)} sizes: "
            f"{shown}{', …' if len(by_count) > 4 else ''}; set dataset.resize=32 (or another size)"
        ]


def _decode(file: Path, resize: int | None) -> _Image | str:
    """Decode to RGB uint8 ``(height, width, 3)``; also return height and width before resizing.

    Returns the reason if the file could not be read as an image. EXIF orientation is applied,
    16-bit grey levels are scaled to 8 bits, and transparent areas become white.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            image = _as_rgb(ImageOps.exif_transpose(opened))
    except UnidentifiedImageError:
        return "not an image in a known format" if file.stat().st_size else "the file is empty"
    except Exception as error:  # a damaged file makes Pillow's many decoders raise anything
        return first_sentence(error)
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
