"""Splits test images off from images that have no test split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.cache import images_file
from cifar_lab.data.duplicates import groups_of
from cifar_lab.data.pixel_file import PixelFile
from cifar_lab.data.splits import stratified_split


def divided(
    images: ImageArrays, fraction: float, seed: int, together: bool, space: Path
) -> tuple[ImageArrays, ImageArrays]:
    """Split images into training and test images, stratified by class.

    Args:
        images: all images.
        fraction: share of the test images.
        seed: the same seed and images give the same split.
        together: keep exact copies of an image on one side.
        space: a directory, where the pixels are written to memory-mapped files.

    Raises:
        Refusal: there are too few images to give every class its share.
        OSError: the files cannot be written.
    """
    copies = groups_of(images.digests) if together else None
    rows = stratified_split(images.labels, fraction, seed, copies, key="dataset.test_fraction")
    return _chosen(images, rows[0], "train", space), _chosen(images, rows[1], "test", space)


def _chosen(images: ImageArrays, rows: NDArray[np.int64], split: str, space: Path) -> ImageArrays:
    path = space / images_file(split)
    unfinished = path.with_suffix(".part")  # the images may be mapped from the file itself
    store = PixelFile(unfinished, len(rows))
    for row in rows:
        store.append(images.images[row])
    pixels = store.images()
    unfinished.replace(path)
    return ImageArrays(
        images=pixels,
        labels=images.labels[rows],
        class_names=images.class_names,
        sample_ids=images.sample_ids[rows],
        file_sizes=None if images.file_sizes is None else images.file_sizes[rows],
    )
