"""Image sources. Each source is a value; nothing is read before ``check`` or ``load``."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from errno import ENOSPC
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

from cifar_lab.bounds import Fraction, NonNegativeInt, PositiveInt
from cifar_lab.data.arrays import Dataset, ImageArrays, Outline, SourceImages, pixel_statistics
from cifar_lab.data.cache import cached
from cifar_lab.data.splits import left_to_train, limited, stratified_split
from cifar_lab.refusal import Refusal

#: Images that are compared at once, to find out whether all are grey.
COMPARED_AT_ONCE = 1024
GREY = "all images are grey: their three channels are equal"


def _mean(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) == 3 and all(0 <= value <= 1 for value in values):
        return values
    raise ValueError(
        "must be three numbers from 0 to 1, for R, G and B: the mean of pixels / 255; divide "
        "numbers of pixels from 0 to 255 by 255"
    )


def _std(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) == 3 and all(0 < value < math.inf for value in values):
        return values
    raise ValueError(
        "must be three finite numbers above 0, for R, G and B: the standard deviation of "
        "pixels / 255"
    )


@dataclass(frozen=True, kw_only=True)
class Source:
    """Settings common to all sources.

    Attributes:
        validation_fraction: share of the training images held out for validation; 0 disables it.
        split_seed: seed of the validation split; separate from the run's seed, so that runs with
            different seeds are validated on the same images.
        mean: mean of the pixels / 255 per channel; None computes it from the training images.
        std: standard deviation, likewise.
        limit_train_images: train on at most this many images, stratified by class; None for all.
    """

    validation_fraction: Fraction
    split_seed: NonNegativeInt
    mean: Annotated[tuple[float, ...], AfterValidator(_mean)] | None
    std: Annotated[tuple[float, ...], AfterValidator(_std)] | None
    limit_train_images: PositiveInt | None

    def check(self) -> None:
        """Check that the images exist, without decoding any.

        Raises:
            Refusal: they do not exist, or are not laid out correctly.
        """

    def at_hand(self) -> bool:
        """Whether :meth:`load` needs neither to download nor to decode files."""
        return True

    def outline(self) -> Outline:
        """What is known about the images before they are loaded, once :meth:`check` has passed."""
        return self._outline()

    def _outline(
        self,
        classes: int | None = None,
        image_size: tuple[int, int] | None = None,
        images: int | None = None,
        own_validation: bool | None = None,
    ) -> Outline:
        """What the settings add to what a source knows.

        Args:
            classes, image_size, images: as in :class:`Outline`.
            own_validation: whether the source itself holds out validation images.
        """
        left = None
        if images is not None:
            left = left_to_train(images, self.validation_fraction, self.limit_train_images)
        mean = None if self.mean is None else tuple(self.mean)
        validated = True if self.validation_fraction > 0 else own_validation
        return Outline(classes, image_size, images, left, mean, validated)

    def read(self) -> SourceImages:
        """The source's training and test images."""
        raise NotImplementedError

    def inseparable(self, images: ImageArrays) -> NDArray[np.int64] | None:
        """Equal numbers, int64 ``(n,)``, for images that the validation split must not separate."""
        return None

    def load(self) -> Dataset:
        """Read the images, make the validation split, and compute mean and standard deviation.

        Raises:
            Refusal: the images cannot be used.
        """
        source = self.read()
        if all(_is_grey(split.images) for split in (source.train, source.test)):
            source = replace(source, notes=(*source.notes, GREY))
        train, val = self._split(source)
        train = limited(train, source.train.labels, self.limit_train_images, self.split_seed)
        mean, std = pixel_statistics(source.train.images, train)
        if self.std is None and not std.all():
            raise Refusal(
                "a channel of the training images has standard deviation 0: all of its pixels are "
                "equal; set dataset.std"
            )
        return Dataset(
            source=source,
            train_indices=train,
            val_indices=val,
            mean=mean if self.mean is None else np.asarray(self.mean, dtype=np.float64),
            std=std if self.std is None else np.asarray(self.std, dtype=np.float64),
        )

    def _split(self, source: SourceImages) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows to train on and to validate on."""
        if source.validation is not None:
            return np.setdiff1d(np.arange(len(source.train)), source.validation), source.validation
        copies = self.inseparable(source.train) if self.validation_fraction > 0 else None
        return stratified_split(
            source.train.labels, self.validation_fraction, self.split_seed, copies
        )


def _is_grey(images: NDArray[np.uint8]) -> bool:
    """Whether the three channels are equal everywhere; quick to tell of images in colour."""
    chunks = (images[i : i + COMPARED_AT_ONCE] for i in range(0, len(images), COMPARED_AT_ONCE))
    return all((chunk == chunk[..., :1]).all() for chunk in chunks)


@dataclass(frozen=True, kw_only=True)
class DecodedSource(Source):
    """A source whose images are decoded once and then kept as memory-mapped arrays.

    Attributes:
        resize: side in pixels to which images are resized; None requires them to share one size.
        cache_dir: directory for decoded images.
    """

    resize: PositiveInt | None
    cache_dir: str

    def at_hand(self) -> bool:
        return os.path.isdir(self._cache_folder() / self._key())

    def _key(self) -> str:
        """The name of the cache entry, which changes with the files and the settings."""
        raise NotImplementedError

    def _cache_folder(self) -> Path:
        folder = os.path.expanduser(self.cache_dir)
        if folder.startswith("~"):
            raise Refusal(
                f"dataset.cache_dir={self.cache_dir}: {folder} names no user of this machine"
            )
        return Path(folder)

    def _cached(self, key: str, decode: Callable[[Path], SourceImages]) -> SourceImages:
        try:
            return cached(self._cache_folder(), key, decode)
        except OSError as error:
            remedy = "free some space, or choose a directory on another disk"
            if error.errno != ENOSPC:
                remedy = "choose a directory that can be written to"
            raise Refusal(
                f"dataset.cache_dir={self.cache_dir} cannot be used: {error}; {remedy}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Digits(Source):
    """scikit-learn's 1,797 handwritten digits (8×8, 16 grey levels) as 32×32 RGB.

    Each pixel becomes a 4×4 block. A fixed, stratified fifth of the images is the test set.
    Source: https://archive.ics.uci.edu/dataset/80 (Alpaydin & Kaynak, 1998).
    """

    def outline(self) -> Outline:
        return self._outline(classes=10, image_size=(32, 32), images=1437)

    def read(self) -> SourceImages:
        from sklearn.datasets import load_digits

        digits = load_digits()
        grey = np.round(digits.images * (255 / 16)).astype(np.uint8)
        images = np.repeat(grey.repeat(4, axis=1).repeat(4, axis=2)[..., None], 3, axis=3)
        labels = digits.target.astype(np.int64)
        names = tuple(str(name) for name in digits.target_names)
        ids = np.asarray([f"digits/{i:04d}" for i in range(len(labels))])
        train_rows, test_rows = stratified_split(labels, 0.2, seed=0)
        train, test = (
            ImageArrays(
                images[rows], labels[rows], names, ids[rows], np.full((len(rows), 2), 8, np.int32)
            )
            for rows in (train_rows, test_rows)
        )
        return SourceImages.of(train, test)
