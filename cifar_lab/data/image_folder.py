"""Images on disk, decoded once."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Lt
from numpy.typing import NDArray

from cifar_lab.bounds import NonNegativeInt
from cifar_lab.data.arrays import ImageArrays, Outline, SourceImages
from cifar_lab.data.cache import cache_key
from cifar_lab.data.decoding import Decoded, decode_folder
from cifar_lab.data.division import divided
from cifar_lab.data.duplicates import groups_of
from cifar_lab.data.folders import FolderListing, list_folder
from cifar_lab.data.sources import DecodedSource


@dataclass(frozen=True, kw_only=True)
class FolderSource(DecodedSource):
    """Images on disk as ``root/train/<class>/*`` and ``root/test/<class>/*``.

    Files are listed only once per object: create a new one if they change.

    Attributes:
        root: the directory.
        skip_unreadable: skip files that are not images instead of refusing them.
    """

    root: str
    skip_unreadable: bool

    @property
    def folder(self) -> Path:
        """``root`` as a path with ``~`` expanded."""
        return Path(os.path.expanduser(self.root))  # unlike Path's, it never raises

    @functools.cached_property
    def _listing(self) -> FolderListing:
        return self._listed()

    def _listed(self) -> FolderListing:
        return list_folder(self.folder, self.skip_unreadable, divisible=False)

    @functools.cached_property
    def _folder_key(self) -> str:
        return cache_key(self._listing.keys(), self.folder, self._settings())

    def _settings(self) -> dict[str, object]:
        """What the decoded images depend on besides the files."""
        settings: dict[str, object] = {"resize": self.resize, "skip": self.skip_unreadable}
        if self.resize is not None:  # older cache entries lack the file sizes
            settings["file_sizes"] = True
        return settings

    def check(self) -> None:
        assert self._listing  # raises the refusal

    def outline(self) -> Outline:
        """Classes; images, unless only decoding shows how many; the size if ``resize`` is set."""
        splits = self._listing.files
        known = "test" in splits and "val" not in splits and not self.skip_unreadable
        return self._outline(
            classes=len(self._listing.class_names),
            image_size=None if self.resize is None else (self.resize, self.resize),
            images=sum(map(len, splits["train"].values())) if known else None,
            own_validation="val" in splits,
        )

    def read(self) -> SourceImages:
        source = self._cached(self._key(), self._decode)
        return replace(source, notes=(*self._listing.notes, *source.notes))

    def _decode(self, space: Path) -> SourceImages:
        return self._sourced(
            decode_folder(self._listing, self.resize, self.skip_unreadable, space), space
        )

    def _sourced(self, images: Decoded, space: Path) -> SourceImages:
        assert images.test is not None, "a folder without test images is refused"
        return SourceImages.of(images.train, images.test, images.validation, images.notes)

    def _key(self) -> str:
        return self._folder_key


@dataclass(frozen=True, kw_only=True)
class ImageFolder(FolderSource):
    """A user's own images, in any of the layouts of :mod:`cifar_lab.data.layout`.

    Attributes:
        class_order: ``natural``, ``alphabetical``, or all classes in the order of their labels.
        test_fraction: share of the images for testing, if no folder holds test images.
        test_seed: seed of that split; separate from ``split_seed``, so that runs with different
            validation images are tested on the same images.
        copies_together: keep exact copies of an image in one split wherever images are split here.
    """

    class_order: Literal["natural", "alphabetical"] | tuple[str | int, ...]
    test_fraction: Annotated[float, Gt(0), Lt(1)]
    test_seed: NonNegativeInt
    copies_together: bool

    def _listed(self) -> FolderListing:
        return list_folder(self.folder, self.skip_unreadable, self.class_order)

    def _settings(self) -> dict[str, object]:
        settings, names = super()._settings(), self._listing.class_names
        if list(names) != sorted(names):
            settings["classes"] = names
        if self._divides():
            settings["test"] = [self.test_fraction, self.test_seed, self.copies_together]
        return settings

    def _divides(self) -> bool:
        return "test" not in self._listing.files

    def read(self) -> SourceImages:
        source = super().read()
        return replace(source, notes=(*self._rule(), *source.notes)) if self._divides() else source

    def _rule(self) -> list[str]:
        return [
            f"{100 * self.test_fraction:g} % of the images of each class are the test split "
            f"(dataset.test_fraction={self.test_fraction:g}, dataset.test_seed={self.test_seed})"
        ]

    def _sourced(self, images: Decoded, space: Path) -> SourceImages:
        if images.test is not None:
            return super()._sourced(images, space)
        train, test = divided(
            images.train, self.test_fraction, self.test_seed, self.copies_together, space
        )
        return SourceImages.of(train, test, notes=images.notes)

    def inseparable(self, images: ImageArrays) -> NDArray[np.int64] | None:
        return groups_of(images.digests) if self.copies_together else None
