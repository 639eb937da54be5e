"""Image sources. Each source is a value; nothing is read before ``check`` or ``load``."""

from __future__ import annotations

import contextlib
import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Len

from cifar_lab.bounds import Fraction, NonNegativeInt, PositiveFloat, PositiveInt, UnitInterval
from cifar_lab.data.arrays import Dataset, ImageArrays, Outline, SourceImages, pixel_statistics
from cifar_lab.data.cache import cache_key, cached, fingerprint
from cifar_lab.data.folders import LAYOUT_HINT, FolderListing, decode_folder, list_folder
from cifar_lab.data.splits import left_to_train, limited, stratified_split
from cifar_lab.refusal import Refusal


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
    mean: Annotated[tuple[UnitInterval, ...], Len(3, 3)] | None
    std: Annotated[tuple[PositiveFloat, ...], Len(3, 3)] | None
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
    ) -> Outline:
        left = None
        if images is not None:
            left = left_to_train(images, self.validation_fraction, self.limit_train_images)
        mean = None if self.mean is None else tuple(self.mean)
        return Outline(classes, image_size, images, left, mean)

    def read(self) -> SourceImages:
        """The source's training and test images."""
        raise NotImplementedError

    def load(self) -> Dataset:
        """Read the images, make the validation split, and compute mean and standard deviation.

        Raises:
            Refusal: the images cannot be used.
        """
        source = self.read()
        train, val = stratified_split(
            source.train.labels, self.validation_fraction, self.split_seed
        )
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
        return SourceImages(train, test, fingerprint(train, test))


@dataclass(frozen=True, kw_only=True)
class ImageFolder(Source):
    """Images on disk as ``root/train/<class>/*`` and ``root/test/<class>/*``.

    Files are listed only once per object: create a new one if they change.

    Attributes:
        root: the directory.
        resize: side in pixels to which images are resized; None requires them to share one size.
        skip_unreadable: skip files that are not images instead of refusing them.
        cache_dir: directory for decoded images.
    """

    root: str
    resize: PositiveInt | None
    skip_unreadable: bool
    cache_dir: str

    @property
    def folder(self) -> Path:
        """``root`` as a path with ``~`` expanded."""
        return Path(self.root).expanduser()

    @functools.cached_property
    def _listing(self) -> FolderListing:
        return list_folder(self.folder)

    @functools.cached_property
    def _folder_key(self) -> str:
        settings: dict[str, object] = {"resize": self.resize, "skip": self.skip_unreadable}
        if self.resize is not None:  # older cache entries lack the file sizes
            settings["file_sizes"] = True
        return cache_key(self._listing.all_files(), self.folder, settings)

    def check(self) -> None:
        assert self._listing  # raises the refusal

    def at_hand(self) -> bool:
        return (Path(self.cache_dir).expanduser() / self._key()).is_dir()

    def outline(self) -> Outline:
        """Classes; images, unless files may be skipped; and the image size if ``resize`` is set."""
        files = self._listing.files["train"].values()
        return self._outline(
            classes=len(self._listing.class_names),
            image_size=None if self.resize is None else (self.resize, self.resize),
            images=None if self.skip_unreadable else sum(map(len, files)),
        )

    def read(self) -> SourceImages:
        decode = functools.partial(decode_folder, self._listing, self.resize, self.skip_unreadable)
        return self._cached(self._key(), decode)

    def _key(self) -> str:
        return self._folder_key

    def _cached(
        self, key: str, decode: Callable[[Path], tuple[ImageArrays, ImageArrays]]
    ) -> SourceImages:
        try:
            return cached(Path(self.cache_dir).expanduser(), key, decode)
        except OSError as error:
            raise Refusal(
                f"dataset.cache_dir={self.cache_dir} cannot be used: {error}; choose a directory "
                "that can be written to"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Cifar10(ImageFolder):
    """CIFAR-10 (Krizhevsky, 2009): an image folder, the official files, or torchvision's download.

    Attributes:
        download: let torchvision download the official files if ``root`` contains neither form.
    """

    download: bool

    dataset_name: ClassVar[str] = "CIFAR-10"
    number_of_classes: ClassVar[int] = 10
    torchvision_name: ClassVar[str] = "CIFAR10"
    official_folder: ClassVar[str] = "cifar-10-batches-py"

    def check(self) -> None:
        if self._is_image_folder():
            classes = self._listing.class_names
            if len(classes) != self.number_of_classes:
                raise Refusal(
                    f"dataset.root={self.root}: {self.dataset_name} has {self.number_of_classes} "
                    f"classes, got {len(classes)}; for other images use dataset=image_folder"
                )
        elif not self._is_official() and not self.download:
            raise Refusal(
                self._missing("only `cifar-lab train` downloads, with dataset.download=true")
            )

    def read(self) -> SourceImages:
        self.check()
        if self._is_image_folder():
            return super().read()
        if not self._is_official():
            self._torchvision(train=True, download=True)
        return self._cached(
            self._key(), lambda _: (self._official(train=True), self._official(train=False))
        )

    def at_hand(self) -> bool:
        return (self._is_image_folder() or self._is_official()) and super().at_hand()

    def outline(self) -> Outline:
        if self._is_image_folder():
            return super().outline()
        return self._outline(self.number_of_classes, image_size=(32, 32), images=50_000)

    def _key(self) -> str:
        if self._is_image_folder():
            return super()._key()
        official = self.folder / self.official_folder
        files = [f"{official.name}/{p.name}" for p in official.iterdir() if p.is_file()]
        return cache_key(files, self.folder, {"format": "official"})

    def _is_image_folder(self) -> bool:
        return (self.folder / "train").is_dir() or (self.folder / "test").is_dir()

    def _is_official(self) -> bool:
        return (self.folder / self.official_folder).is_dir()

    def _official(self, train: bool) -> ImageArrays:
        # torchvision checks the files' MD5 sums and downloads only those that do not match.
        loaded = self._torchvision(train=train, download=self.download)
        split = "train" if train else "test"
        return ImageArrays(
            images=loaded.data,
            labels=np.asarray(loaded.targets, dtype=np.int64),
            class_names=tuple(loaded.classes),
            sample_ids=np.asarray([f"{split}/{i:05d}" for i in range(len(loaded.targets))]),
        )

    def _torchvision(self, train: bool, download: bool) -> Any:
        import torchvision

        not_there_yet = [p for p in (self.folder, *self.folder.parents) if not p.exists()]
        try:
            dataset = getattr(torchvision.datasets, self.torchvision_name)
            return dataset(str(self.folder), train=train, download=download)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            for folder in not_there_yet:  # leave nothing behind after a failed download
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise Refusal(self._missing(str(error))) from error

    def _missing(self, reason: str) -> str:
        return (
            f"dataset.root={self.root} does not contain {self.dataset_name}, and it could not be "
            f"downloaded ({reason}); {LAYOUT_HINT}, or put the official {self.official_folder} "
            "there; dataset=digits needs no files"
        )


@dataclass(frozen=True, kw_only=True)
class Cifar100(Cifar10):
    """CIFAR-100 with its 100 fine classes, from the same three kinds of source."""

    dataset_name: ClassVar[str] = "CIFAR-100"
    number_of_classes: ClassVar[int] = 100
    torchvision_name: ClassVar[str] = "CIFAR100"
    official_folder: ClassVar[str] = "cifar-100-python"
