"""CIFAR-10 and CIFAR-100, from image folders or from the official files."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import ClassVar

from cifar_lab.data.arrays import Outline, SourceImages
from cifar_lab.data.cache import cache_key
from cifar_lab.data.image_folder import FolderSource
from cifar_lab.data.layout import LAYOUT_HINT
from cifar_lab.data.official import (
    CIFAR10,
    CIFAR100,
    OfficialFiles,
    corrupted,
    missing,
    official_images,
)
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence


@dataclass(frozen=True, kw_only=True)
class Cifar10(FolderSource):
    """CIFAR-10 (Krizhevsky, 2009): an image folder, the official files, or torchvision's download.

    Attributes:
        download: let torchvision download the official files if ``root`` contains neither form.
    """

    download: bool

    dataset_name: ClassVar[str] = "CIFAR-10"
    number_of_classes: ClassVar[int] = 10
    official: ClassVar[OfficialFiles] = CIFAR10

    def check(self) -> None:
        if self._is_image_folder():
            classes = self._listing.class_names
            if len(classes) != self.number_of_classes:
                raise Refusal(
                    f"dataset.root={self.root}: {self.dataset_name} has {self.number_of_classes} "
                    f"classes, got {len(classes)}; for other images use dataset=image_folder"
                )
        elif not self.download:
            if not self._is_official():
                raise Refusal(
                    self._missing("only `cifar-lab train` downloads, with dataset.download=true")
                )
            self._refuse(missing(self.folder, self.official))

    def read(self) -> SourceImages:
        self.check()
        if self._is_image_folder():
            return super().read()
        # Before the key of the cache is formed, which depends on the files.
        if not self.at_hand() and self.download and corrupted(self.folder, self.official):
            self._download()
        return self._cached(self._key(), lambda _: self._official())

    def at_hand(self) -> bool:
        return (self._is_image_folder() or self._is_official()) and super().at_hand()

    def outline(self) -> Outline:
        if self._is_image_folder():
            return super().outline()
        return self._outline(self.number_of_classes, (32, 32), 50_000, own_validation=False)

    def _key(self) -> str:
        if self._is_image_folder():
            return super()._key()
        folder, name = self.folder / self.official.folder, self.official.folder
        stats = (
            (f"{name}/{path.name}", path.stat()) for path in folder.iterdir() if path.is_file()
        )
        files = [(file, stat.st_size, stat.st_mtime_ns) for file, stat in stats]
        return cache_key(files, self.folder, {"format": "official"})

    def _is_image_folder(self) -> bool:
        return any(os.path.isdir(self.folder / split) for split in ("train", "test"))

    def _is_official(self) -> bool:
        return os.path.isdir(self.folder / self.official.folder)

    def _official(self) -> SourceImages:
        self._refuse(corrupted(self.folder, self.official))
        return SourceImages.of(*official_images(self.folder, self.official))

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            raise Refusal(
                [
                    f"dataset.root={self.root}: {problem}; replace it with the official file, or "
                    "set dataset.download=true to download all of them"
                    for problem in problems
                ]
            )

    def _download(self) -> None:
        from torchvision.datasets import utils

        not_there_yet = [p for p in (self.folder, *self.folder.parents) if not os.path.exists(p)]
        try:
            utils.download_and_extract_archive(
                self.official.url,
                str(self.folder),
                filename=self.official.archive,
                md5=self.official.archive_md5,
            )
        except (OSError, RuntimeError, EOFError) as error:
            for folder in not_there_yet:  # leave nothing behind after a failed download
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise Refusal(self._missing(first_sentence(error))) from error

    def _missing(self, reason: str) -> str:
        return (
            f"dataset.root={self.root} does not contain {self.dataset_name}, and it could not be "
            f"downloaded ({reason}); {LAYOUT_HINT}, or put the official {self.official.folder} "
            "there; dataset=digits needs no files"
        )


@dataclass(frozen=True, kw_only=True)
class Cifar100(Cifar10):
    """CIFAR-100 with its 100 fine classes, from the same three kinds of source."""

    dataset_name: ClassVar[str] = "CIFAR-100"
    number_of_classes: ClassVar[int] = 100
    official: ClassVar[OfficialFiles] = CIFAR100
