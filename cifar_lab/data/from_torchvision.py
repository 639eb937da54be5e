"""torchvision's data sets by name, read by torchvision itself and never downloaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cifar_lab.data.arrays import ImageArrays, Outline, SourceImages
from cifar_lab.data.cache import cache_key, images_file
from cifar_lab.data.collecting import DECODED_AT_ONCE, Collector, Part, Row
from cifar_lab.data.labelled import own_validation_note
from cifar_lab.data.layout import first_few
from cifar_lab.data.official import OfficialFiles, corrupted, official_images
from cifar_lab.data.pixel_arrays import resized
from cifar_lab.data.places import files_below
from cifar_lab.data.rgb import sized
from cifar_lab.data.sources import DecodedSource
from cifar_lab.data.torchvision_sets import SETS, Split, TorchvisionSet, option_problems, why_not
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, several

log = logging.getLogger("cifar_lab")


@dataclass(frozen=True, kw_only=True)
class TorchvisionImages(DecodedSource):
    """One of torchvision's data sets for image classification.

    Attributes:
        name: of torchvision's class, one of :data:`~cifar_lab.data.torchvision_sets.SETS`.
        root: the directory that torchvision was given to download it to.
        options: further arguments of torchvision's class, e.g. ``split`` of EMNIST.
    """

    name: str
    root: str
    options: dict[str, str | int]

    @property
    def folder(self) -> Path:
        """``root`` as a path with ``~`` expanded."""
        return Path(os.path.expanduser(self.root))

    def check(self) -> None:
        """Check the name and the options, and that the files exist.

        Raises:
            Refusal: with everything that is wrong.
        """
        if self.name not in SETS:
            raise Refusal(f"dataset.name={self.name}: {why_not(self.name)}")
        problems = option_problems(self.name, self.options)
        known = not problems
        if self._set.size is None and self.resize is None:
            problems.append(
                f"dataset.resize must be set: the images of {self.name} differ in size; "
                "dataset.resize=32 (or another size)"
            )
        if known:
            missing = [place for place in self._places() if not (self.folder / place).exists()]
            if missing:
                problems.append(
                    f"dataset.root={self.root}: {several(missing)} "
                    f"{'does' if len(missing) == 1 else 'do'} not exist; {self._to_download()}"
                )
        if problems:
            raise Refusal(problems)

    def outline(self) -> Outline:
        """The size, and the classes if they are known without reading."""
        size = self._set.size if self.resize is None else (self.resize, self.resize)
        names = self._set.class_names
        return self._outline(
            classes=None if names is None else len(names),
            image_size=size,
            own_validation="validation" in self._set.splits,
        )

    def read(self) -> SourceImages:
        self.check()
        return self._cached(self._key(), self._decode)

    @property
    def _set(self) -> TorchvisionSet:
        return SETS[self.name]

    def _places(self) -> list[str]:
        return [place.format(**self.options) for place in self._set.places]

    def _key(self) -> str:
        options = dict(sorted(self.options.items()))
        settings: dict[str, object] = {"torchvision": self.name, **options, "resize": self.resize}
        return cache_key(files_below(self.folder, self._places()), self.folder, settings)

    def _decode(self, space: Path) -> SourceImages:
        if self._set.official is not None:
            return self._official(self._set.official)
        log.info(f"reading {self.name} from {self.folder} (only once)")
        sets = {split: self._opened(arguments) for split, arguments in self._set.splits.items()}
        names, first = self._classes(sets["train"])
        collector = Collector(names, self.resize)

        def part(split: Split) -> Part:
            return Part(split, self._rows(sets[split], split, first, len(names)), len(sets[split]))

        parts = [part("train"), *([part("validation")] if "validation" in sets else [])]
        train = collector.split(parts, space / images_file("train"))
        test = collector.split([part("test")], space / images_file("test"))
        problems = collector.size_problems()
        if collector.unreadable:
            shown = first_few([f"{name} ({why})" for name, why in collector.unreadable])
            problems.append(f"images that could not be read: {shown}; download them again")
        problems += [
            f"{self.name} has no {split} images of {first_few(collector.emptied(split))}; its "
            "files are incomplete: download them again"
            for split in ("train", "test")
            if collector.emptied(split)
        ]
        if problems or train is None or test is None:
            raise Refusal([f"dataset.root={self.root}: {problem}" for problem in problems])
        rows = np.arange(collector.kept["train"], len(train)) if "validation" in sets else None
        return SourceImages.of(train, test, rows, own_validation_note(rows is not None))

    def _opened(self, arguments: Mapping[str, Any]) -> Any:
        from torchvision import datasets

        try:
            return getattr(datasets, self.name)(str(self.folder), **arguments, **self.options)
        except Exception as error:  # damaged files make its readers raise anything
            reason = first_sentence(error).partition(" You can use download=True")[0].rstrip(".")
            raise Refusal(
                f"dataset.root={self.root}: torchvision could not read {self.name} ({reason}); "
                f"{self._to_download()}"
            ) from error

    def _classes(self, opened: Any) -> tuple[tuple[str, ...], int]:
        """Names of the classes, and the label of the first: EMNIST's letters begin at 1."""
        found: Sequence[str] | None = self._set.class_names or getattr(opened, "classes", None)
        if found is None:
            labels = {opened[row][1] for row in range(len(opened))}
            found = [str(number) for number in range(max(labels) + 1)]
        first = 1 if found[0] == "N/A" else 0
        return tuple(found[first:]), first

    def _rows(self, opened: Any, split: str, first: int, classes: int) -> Iterator[Row]:
        def row(number: int) -> Row:
            image, label = opened[number]
            if label is None or not 0 <= int(label) - first < classes:
                raise Refusal(
                    f"dataset.root={self.root}: {split} image {number} of {self.name} has the "
                    f"label {label}, and not one of its {classes} classes"
                )
            return f"{split}/{number:05d}", int(label) - first, sized(image, self.resize)

        def tried(number: int) -> Row:
            try:
                return row(number)
            except (OSError, SyntaxError) as error:  # as Pillow raises for damaged files
                return f"{split}/{number:05d}", 0, first_sentence(error)

        with ThreadPoolExecutor() as pool:
            for start in range(0, len(opened), DECODED_AT_ONCE):
                end = min(start + DECODED_AT_ONCE, len(opened))
                yield from pool.map(tried, range(start, end), chunksize=64)

    def _official(self, files: OfficialFiles) -> SourceImages:
        problems = corrupted(self.folder, files)
        if problems:
            raise Refusal(
                [f"dataset.root={self.root}: {each}; {self._to_download()}" for each in problems]
            )
        train, test = (self._resized(each) for each in official_images(self.folder, files))
        return SourceImages.of(train, test)

    def _resized(self, images: ImageArrays) -> ImageArrays:
        pixels, sizes = resized(images.images, self.resize)
        return replace(images, images=pixels, file_sizes=sizes)

    def _to_download(self) -> str:
        """What to type in Python, as runs never download."""
        if self.name == "FER2013":
            return "put fer2013.csv or icml_face_data.csv of Kaggle's FER-2013 into fer2013/"
        splits = self._set.splits if self._set.by_split else {"train": self._set.splits["train"]}
        calls = []
        for arguments in splits.values():
            given = {**arguments, **self.options, "download": True}
            written = ", ".join(f"{key}={value!r}" for key, value in given.items())
            calls.append(f"torchvision.datasets.{self.name}({self.root!r}, {written})")
        return f"download it with {several(calls)}"
