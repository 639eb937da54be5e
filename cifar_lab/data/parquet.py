"""Images in Parquet files, as Hugging Face's ``datasets`` writes them."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, Lt

from cifar_lab.bounds import NonNegativeInt
from cifar_lab.data.arrays import ImageArrays, Outline, SourceImages
from cifar_lab.data.cache import cache_key, images_file
from cifar_lab.data.collecting import Collector, Part, Row
from cifar_lab.data.division import divided
from cifar_lab.data.labelled import own_validation_note
from cifar_lab.data.layout import first_few, in_order
from cifar_lab.data.parquet_files import (
    Columns,
    Split,
    columns_of,
    files_of_splits,
    images_in,
    labels_in,
    rows_in,
)
from cifar_lab.data.places import files_below
from cifar_lab.data.rgb import decoded
from cifar_lab.data.sources import DecodedSource
from cifar_lab.refusal import Refusal, missing_packages

log = logging.getLogger("cifar_lab")
#: Number of encoded images held in memory at the same time.
READ_AT_ONCE = 1024
WITHOUT_TEST = (
    "there is no test split, so the validation split is the test split, by which no epoch is "
    "chosen; validation images are split off from the training images"
)


@dataclass(frozen=True, kw_only=True)
class Parquet(DecodedSource):
    """Parquet files with a column of images and a column of labels.

    Attributes:
        root: the directory of the data set, whose files lie in it or in ``data/``.
        image_column: name of the column of encoded images.
        label_column: name of the column of labels.
        class_names: in the order of the labels; None for those in the files.
        skip_unreadable: skip what is not an image instead of refusing it.
        test_fraction: share of the images for testing, if there is neither a test nor a validation
            split.
        test_seed: seed of that split.
    """

    root: str
    image_column: str
    label_column: str
    class_names: tuple[str, ...] | None
    skip_unreadable: bool
    test_fraction: Annotated[float, Gt(0), Lt(1)]
    test_seed: NonNegativeInt

    def check(self) -> None:
        """Check that pyarrow is installed, and that the files have the columns.

        Raises:
            Refusal: with everything that is wrong.
        """
        missing = missing_packages("dataset=parquet", ["pyarrow"], "parquet")
        if missing:
            raise Refusal(missing)
        assert self._columns  # raises the refusal

    def outline(self) -> Outline:
        """The classes if they have names, and the number of images if all are known to be used."""
        names, files = self._names(), self._files
        known = {"train", "test"} == files.keys() and not self.skip_unreadable
        return self._outline(
            classes=None if names is None else len(names),
            image_size=None if self.resize is None else (self.resize, self.resize),
            images=rows_in(files["train"]) if known else None,
            own_validation="validation" in files,
        )

    def read(self) -> SourceImages:
        self.check()
        source = self._cached(self._key(), self._decode)
        return replace(source, notes=(*self._notes(), *source.notes))

    @functools.cached_property
    def _files(self) -> dict[Split, list[Path]]:
        found = files_of_splits(Path(os.path.expanduser(self.root)))
        if "validation" in found and "test" not in found:
            return {"train": found["train"], "test": found["validation"]}
        return found

    @functools.cached_property
    def _columns(self) -> Columns:
        every = [file for files in self._files.values() for file in files]
        first, *_ = [columns_of(file, self.image_column, self.label_column) for file in every]
        return first

    def _names(self) -> tuple[str, ...] | None:
        return self._columns.class_names if self.class_names is None else tuple(self.class_names)

    def _notes(self) -> list[str]:
        if "test" not in self._files:
            return [
                "there is no test split, so "
                f"{100 * self.test_fraction:g} % of the images of each class are the test split "
                f"(dataset.test_fraction={self.test_fraction:g}, dataset.test_seed="
                f"{self.test_seed})"
            ]
        if self._files["test"][0].name.startswith(("val", "dev")):
            return [WITHOUT_TEST]
        return list(own_validation_note("validation" in self._files))

    def _key(self) -> str:
        root = Path(os.path.expanduser(self.root))
        paths = [os.path.abspath(file) for files in self._files.values() for file in files]
        settings: dict[str, object] = {
            "parquet": [self.image_column, self.label_column, self._names()],
            "resize": self.resize,
            "skip": self.skip_unreadable,
        }
        if "test" not in self._files:
            settings["test"] = [self.test_fraction, self.test_seed]
        return cache_key(files_below(root.absolute(), paths), root, settings)

    def _decode(self, space: Path) -> SourceImages:
        log.info(f"decoding the Parquet files of {self.root} (only once)")
        names, labels = self._labels()
        collector = Collector(names, self.resize)

        def parts(*splits: Split) -> list[Part]:
            present = [split for split in splits if split in self._files]
            return [Part(s, self._rows(s, labels[s]), len(labels[s])) for s in present]

        train = collector.split(parts("train", "validation"), space / images_file("train"))
        test = collector.split(parts("test"), space / images_file("test"))
        problems = [] if self.skip_unreadable else collector.unreadable_problems()
        problems += collector.size_problems()
        for split in ("train", "test"):
            if split in self._files and collector.emptied(split):
                shown = first_few(collector.emptied(split))
                problems.append(f"the {split} split has no readable images of {shown}")
        if problems or train is None:
            raise Refusal([f"dataset.root={self.root}: {problem}" for problem in problems])
        return self._sourced(collector, train, test, space)

    def _sourced(
        self, collector: Collector, train: ImageArrays, test: ImageArrays | None, space: Path
    ) -> SourceImages:
        rows = None
        if "validation" in self._files:
            rows = np.arange(collector.kept["train"], len(train))
        if test is None:
            train, test = divided(train, self.test_fraction, self.test_seed, True, space)
        return SourceImages.of(train, test, rows, collector.notes())

    def _labels(self) -> tuple[list[str], dict[Split, list[int]]]:
        """Names of the classes, and the labels of each split.

        Raises:
            Refusal: a row has no label, or one that is out of range.
        """
        found: dict[Split, list[Any]] = {
            split: labels_in(files, self.label_column) for split, files in self._files.items()
        }
        every = [label for labels in found.values() for label in labels]
        without = sum(label is None or label == -1 for label in every)
        if without:
            raise Refusal(
                f"dataset.root={self.root}: {without:,} of {len(every):,} rows have no label in "
                f"{self.label_column}; remove them, or the files of a split without labels"
            )
        names = list(self._names() or ())
        if self._columns.is_text:
            names = names or in_order(set(every), "natural")
            numbers = {name: number for number, name in enumerate(names)}
            found = {s: [numbers.get(each, -1) for each in labels] for s, labels in found.items()}
        names = names or [str(number) for number in range(max(every) + 1)]
        wrong = {n for labels in found.values() for n in labels if not 0 <= n < len(names)}
        if wrong:
            shown = sorted(set(every) - set(names)) if self._columns.is_text else sorted(wrong)
            raise Refusal(
                f"dataset.root={self.root}: {self.label_column} has labels that are not one of the "
                f"{len(names)} classes: {first_few([str(each) for each in shown])}"
            )
        return names, found

    def _rows(self, split: Split, labels: Sequence[int]) -> Iterator[Row]:
        def image(content: bytes | None) -> Any:
            if content is None:
                return "the row has no bytes of an image"
            return decoded(content, self.resize)

        row = 0
        with ThreadPoolExecutor() as pool:  # Pillow releases the GIL while it decodes
            for chunk in images_in(self._files[split], self.image_column, READ_AT_ONCE):
                for each in pool.map(image, chunk, chunksize=64):
                    yield f"{split}/{row:05d}", labels[row], each
                    row += 1
