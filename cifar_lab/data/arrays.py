"""Images as arrays, and a data set as its splits."""

from __future__ import annotations

import functools
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

#: Images whose pixels are summed together; few enough to fit in a processor's cache.
SUMMED_AT_ONCE = 1024


@dataclass(frozen=True)
class ImageArrays:
    """Images of a single size with their labels.

    Attributes:
        images: uint8 ``(n, height, width, 3)``, RGB; may be memory-mapped.
        labels: int64 ``(n,)``, indices into ``class_names``.
        class_names: names in the order of the labels.
        sample_ids: ``(n,)`` strings that permanently identify each image, e.g. a file's path.
        file_sizes: int32 ``(n, 2)``, height and width in pixels before the images were resized
            to a common size; None if they were not resized.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    sample_ids: NDArray[np.str_]
    file_sizes: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    @functools.cached_property
    def digests(self) -> NDArray[np.bytes_]:
        """A hash of each image's pixels, ``(n,)`` bytes; equal for exact copies only."""
        hashes = [hashlib.sha1(image.tobytes(), usedforsecurity=False) for image in self.images]
        return np.array([each.digest() for each in hashes], dtype="S20")

    def original_sizes(self) -> NDArray[np.int32]:
        """Height and width of each image before any resizing, int32 ``(n, 2)``."""
        if self.file_sizes is not None:
            return self.file_sizes
        return np.tile(np.asarray(self.image_size, dtype=np.int32), (len(self), 1))

    def fingerprint(self) -> str:
        """SHA-256 of the pixels, labels and class names, in hexadecimal."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels):
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        digest.update("\0".join(self.class_names).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class SourceImages:
    """A source's images, before any validation split.

    Attributes:
        train: images for training and validation.
        test: images for testing.
        fingerprint: SHA-256 of them all, hexadecimal.
        validation: int64, ascending rows of ``train`` that the source itself holds out for
            validation; None leaves the choice to a rule.
        notes: sentences about the origin of the splits and about files that were left out.
    """

    train: ImageArrays
    test: ImageArrays
    fingerprint: str
    validation: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        train: ImageArrays,
        test: ImageArrays,
        validation: NDArray[np.int64] | None = None,
        notes: tuple[str, ...] = (),
    ) -> SourceImages:
        """The images with their fingerprint, which is of the validation rows as well."""
        digest = hashlib.sha256((train.fingerprint() + test.fingerprint()).encode())
        if validation is not None:
            digest.update(np.ascontiguousarray(validation, dtype=np.int64).data)
        return cls(train, test, digest.hexdigest(), validation, notes)


@dataclass(frozen=True)
class Outline:
    """What is known about a data set, possibly before its images exist; None if unknown.

    Attributes:
        classes: number of classes.
        image_size: height and width in pixels.
        images: number of training images, validation included.
        train_images: how many of them are trained on.
        mean: mean of those images' pixels / 255, one number per channel.
        validated: whether any image is held out for validation.
        class_counts: number of images of each class among those trained on.
    """

    classes: int | None = None
    image_size: tuple[int, int] | None = None
    images: int | None = None
    train_images: int | None = None
    mean: tuple[float, ...] | None = None
    validated: bool | None = None
    class_counts: tuple[int, ...] | None = None

    def or_else(self, other: Outline) -> Outline:
        """Fill in unknown values from ``other``."""
        known = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **known)


@dataclass(frozen=True)
class Dataset:
    """What a run trains, validates and tests on.

    Attributes:
        source: all training images and all test images.
        train_indices: int64, rows of ``source.train`` to train on.
        val_indices: int64, held-out rows of ``source.train``; empty without validation.
        mean: float64 ``(3,)``, of the training rows' pixels / 255, or as configured.
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

    def class_counts(self) -> NDArray[np.int64]:
        """Number of images of each class among those trained on, int64 ``(classes,)``."""
        labels = self.source.train.labels[self.train_indices]
        return np.bincount(labels, minlength=len(self.class_names)).astype(np.int64)

    def outline(self) -> Outline:
        """The complete outline."""
        return Outline(
            classes=len(self.class_names),
            image_size=self.image_size,
            images=len(self.source.train),
            train_images=len(self.train_indices),
            mean=tuple(self.mean.tolist()),
            validated=len(self.val_indices) > 0,
            class_counts=tuple(self.class_counts().tolist()),
        )


def pixel_statistics(
    images: NDArray[np.uint8], indices: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and (population) standard deviation per channel of the chosen images / 255.

    Sums integers, so the sums are exact and no float copy of the data is made.
    """
    chunks = [indices[i : i + SUMMED_AT_ONCE] for i in range(0, len(indices), SUMMED_AT_ONCE)]
    total, squares = [0, 0, 0], [0, 0, 0]
    with ThreadPoolExecutor() as pool:  # numpy releases the GIL
        for sums in pool.map(lambda rows: _channel_sums(images[rows]), chunks):
            for channel in range(3):
                total[channel] += int(sums[0, channel])
                squares[channel] += int(sums[1, channel])
    count = len(indices) * images.shape[1] * images.shape[2]
    mean = [value / (255 * count) for value in total]
    variance = [
        (count * square - value**2) / (255 * count) ** 2
        for value, square in zip(total, squares, strict=True)
    ]
    return np.array(mean), np.sqrt(variance)


def pixel_counts(images: NDArray[np.uint8], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Histogram of the pixel values per channel of the chosen images, int64 ``(3, 256)``."""
    chunks = [indices[i : i + SUMMED_AT_ONCE] for i in range(0, len(indices), SUMMED_AT_ONCE)]

    def counted(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        pixels = images[rows].reshape(-1, 3)
        return np.stack([np.bincount(pixels[:, c], minlength=256) for c in range(3)])

    with ThreadPoolExecutor() as pool:
        return np.sum(list(pool.map(counted, chunks)), axis=0, dtype=np.int64)


def _channel_sums(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Per-channel sums of the values and of their squares, int64 ``(2, 3)``."""
    # Sum over images first, one sum per position, so that vector units handle many positions at
    # once. Each sum is at most SUMMED_AT_ONCE · 255², which fits uint32.
    places = images.reshape(len(images), -1)
    squared = places.astype(np.uint16)
    np.multiply(squared, squared, out=squared)
    by_place = [values.sum(axis=0, dtype=np.uint32) for values in (places, squared)]
    return np.stack([sums.reshape(-1, 3).sum(axis=0, dtype=np.int64) for sums in by_place])
