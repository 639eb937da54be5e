"""Images and labels in numpy's files: one ``.npz``, or a folder of ``.npy`` files."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.bounds import PositiveInt
from cifar_lab.data.arrays import SourceImages
from cifar_lab.data.labelled import Given, Split, assembled
from cifar_lab.data.layout import first_few
from cifar_lab.data.pixel_arrays import Axes
from cifar_lab.data.sources import Source
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, shortened

#: Names of the arrays of images and labels by split; the second ones are those of MedMNIST
#: (https://medmnist.com).
NAMES: dict[Split, tuple[tuple[str, str], ...]] = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
CLASS_NAMES = "class_names"


@dataclass(frozen=True, kw_only=True)
class ArrayFile(Source):
    """Arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test`` of one file or folder.

    ``x_val`` and ``y_val`` are the validation split where they exist, and ``class_names`` an array
    of texts. Nothing is unpickled.

    Attributes:
        file: a ``.npz`` file, or a folder with a ``.npy`` file for each array.
        channels: whether they come ``first`` or ``last`` in the shape of an image; ``auto``
            recognises them.
        class_names: in the order of the labels; None for those in the file, else ``0``, ``1``, ….
        resize: side in pixels to which images are resized; None keeps the size.
    """

    file: str
    channels: Axes
    class_names: tuple[str, ...] | None
    resize: PositiveInt | None

    @property
    def path(self) -> Path:
        """``file`` as a path with ``~`` expanded."""
        return Path(os.path.expanduser(self.file))

    def check(self) -> None:
        """Check that the file exists and holds the arrays.

        Raises:
            Refusal: it does not.
        """
        self._chosen(self._names())

    def read(self) -> SourceImages:
        found = self._names()
        chosen, problems = self._chosen(found), []
        arrays: dict[str, NDArray[Any]] = {}
        for name in [n for pair in chosen.values() for n in pair] + [CLASS_NAMES]:
            if name in found and (name != CLASS_NAMES or self.class_names is None):
                try:
                    arrays[name] = self._array(name)
                except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
                    problems.append(f"{name} could not be read: {_why(error)}")
        given: dict[Split, Given] = {
            split: Given(arrays[images], arrays[labels], images, labels)
            for split, (images, labels) in chosen.items()
            if images in arrays and labels in arrays
        }
        advice = "; set dataset.channels=first or dataset.channels=last"
        try:
            names = self._class_names(arrays)
            return assembled(given, names, self.resize, self.channels, advice, problems)
        except Refusal as refusal:
            raise Refusal([f"{self._said()}: {each}" for each in refusal.problems]) from None

    def _class_names(self, arrays: Mapping[str, NDArray[Any]]) -> list[str] | None:
        if self.class_names is not None:
            return list(self.class_names)
        names = arrays.get(CLASS_NAMES)
        return None if names is None else [str(name) for name in names.reshape(-1)]

    def _names(self) -> set[str]:
        """Names of the arrays, without reading any."""
        if self.path.is_dir():
            return {path.stem for path in self.path.glob("*.npy")}
        if not os.path.isfile(self.path):
            raise Refusal(
                f"{self._said()} does not exist; save it with np.savez_compressed(file, "
                "x_train=…, y_train=…, x_test=…, y_test=…)"
            )
        if self.path.suffix == ".npy":
            raise Refusal(
                f"{self._said()} is a single array; name the folder that holds x_train.npy, "
                "y_train.npy, x_test.npy and y_test.npy"
            )
        try:
            with zipfile.ZipFile(self.path) as archive:
                return {name.removesuffix(".npy") for name in archive.namelist()}
        except (zipfile.BadZipFile, OSError) as error:
            raise Refusal(
                f"{self._said()} is not a .npz file ({first_sentence(error)}); save it with "
                "np.savez_compressed"
            ) from error

    def _array(self, name: str) -> NDArray[Any]:
        if self.path.is_dir():
            return np.load(self.path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        with open(self.path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            found: NDArray[Any] = file[name]
        return found

    def _chosen(self, names: set[str]) -> dict[Split, tuple[str, str]]:
        """The names of each split's arrays.

        Raises:
            Refusal: a split lacks one of its arrays.
        """
        chosen, lacking = {}, []
        for split, pairs in NAMES.items():
            images, labels = max(pairs, key=lambda pair: len(names & {*pair}))
            if split == "validation" and not names & {images, labels}:
                continue
            lacking += [name for name in (images, labels) if name not in names]
            chosen[split] = images, labels
        if lacking:
            raise Refusal(
                f"{self._said()} has no {first_few(lacking)}; its arrays are: "
                f"{first_few(sorted(names))}; it needs x_train, y_train, x_test and y_test, and "
                "may have x_val, y_val and class_names"
            )
        return chosen

    def _said(self) -> str:
        return f"dataset.file={shortened(self.file, 300)}"


def _why(error: Exception) -> str:
    if "allow_pickle" in str(error):
        return (
            "it holds Python objects, which are not unpickled; save arrays of numbers, and names "
            "as an array of texts"
        )
    return first_sentence(error)
