"""Images as arrays, and a data set as its splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ImageArrays:
    """Images of one size with their labels.

    Attributes:
        images: uint8 ``(n, height, width, 3)``, RGB; may be memory-mapped.
        labels: int64 ``(n,)``, indices into ``class_names``.
        class_names: names in the order of the labels.
        sample_ids: ``(n,)`` strings that name each image for good, such as a file's path.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    sample_ids: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def fingerprint(self) -> str:
        """SHA-256 over pixels, labels and class names, in hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update("\0".join(self.class_names).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class SourceImages:
    """The training and the test images that a source holds, before any validation split."""

    train: ImageArrays
    test: ImageArrays
    fingerprint: str


@dataclass(frozen=True)
class Dataset:
    """What a run trains, validates and tests on.

    Attributes:
        source: all training images and all test images.
        train_indices: int64, rows of ``source.train`` that are trained on.
        val_indices: int64, rows of ``source.train`` held out; empty without validation.
        mean: float64 ``(3,)``, of the training rows' pixels / 255, or as given.
        std: float64 ``(3,)``, likewise.
    """

    source: SourceImages
    train_indices: NDArray[np.int64]
    val_indices: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.source.train.class_names

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.source.train.image_size


def pixel_statistics(
    images: NDArray[np.uint8], indices: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and (population) standard deviation of each channel of the chosen images / 255.

    Counts grey levels, so the result is exact in float64 and no float copy of the data is made.
    """
    counts = np.zeros((3, 256), dtype=np.int64)
    for start in range(0, len(indices), 4096):
        chunk = images[indices[start : start + 4096]]
        for channel in range(3):
            counts[channel] += np.bincount(chunk[..., channel].ravel(), minlength=256)
    levels = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / total
    return mean, np.sqrt(variance)
