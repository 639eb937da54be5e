"""The official files of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html)."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence


@dataclass(frozen=True)
class OfficialFiles:
    """Names and contents of the files of one data set.

    Attributes:
        folder: the directory that the archive contains.
        archive: name of the archive.
        archive_md5: MD5 sum of the archive, hexadecimal.
        md5: MD5 sums by file.
        train: files of training images, in order.
        test: the file of test images.
        meta: the file of class names.
        names_key: key of the class names in it.
        labels_key: key of the labels in the other files.
    """

    folder: str
    archive: str
    archive_md5: str
    md5: Mapping[str, str]
    train: Sequence[str]
    test: str
    meta: str
    names_key: str
    labels_key: str

    @property
    def url(self) -> str:
        """Where the archive is."""
        return f"https://www.cs.toronto.edu/~kriz/{self.archive}"


CIFAR10 = OfficialFiles(
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    archive_md5="c58f30108f718f92721af3b95e74349a",
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
    train=[f"data_batch_{number}" for number in range(1, 6)],
    test="test_batch",
    meta="batches.meta",
    names_key="label_names",
    labels_key="labels",
)
CIFAR100 = OfficialFiles(
    folder="cifar-100-python",
    archive="cifar-100-python.tar.gz",
    archive_md5="eb9058c3a382ffc7106e4002c42a8d85",
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
    train=["train"],
    test="test",
    meta="meta",
    names_key="fine_label_names",
    labels_key="fine_labels",
)

#: What an array says of itself when it is pickled; nothing else is called.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def missing(root: Path, files: OfficialFiles) -> list[str]:
    """A sentence for each file that does not exist."""
    paths = (root / files.folder / name for name in files.md5)
    return [f"{path} does not exist" for path in paths if not os.path.isfile(path)]


def corrupted(root: Path, files: OfficialFiles) -> list[str]:
    """A sentence for each file that does not exist or is not the official one."""
    problems = missing(root, files)
    for name, expected in files.md5.items():
        path = root / files.folder / name
        if os.path.isfile(path):
            found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            if found != expected:
                problems.append(f"{path} is corrupted: its MD5 sum is {found}, not {expected}")
    return problems


def official_images(root: Path, files: OfficialFiles) -> tuple[ImageArrays, ImageArrays]:
    """The training and the test images.

    Raises:
        Refusal: a file does not contain what it should.
    """
    meta = _unpickled(root / files.folder / files.meta)
    names = meta.get(files.names_key)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Refusal(f"{root / files.folder / files.meta} has no list {files.names_key}")
    train = _images(root, files, files.train, "train", tuple(names))
    return train, _images(root, files, [files.test], "test", tuple(names))


def _images(
    root: Path, files: OfficialFiles, batches: Sequence[str], split: str, names: tuple[str, ...]
) -> ImageArrays:
    pixels, labels = [], []
    for batch in batches:
        path = root / files.folder / batch
        content = _unpickled(path)
        rows, found = content.get("data"), content.get(files.labels_key)
        if not (isinstance(rows, np.ndarray) and rows.dtype == np.uint8 and rows.ndim == 2):
            raise Refusal(f"{path} has no uint8 array 'data' with a row for each image")
        if not isinstance(found, list) or not all(
            isinstance(label, int) and 0 <= label < len(names) for label in found
        ):
            raise Refusal(f"{path} has no list '{files.labels_key}' of labels below {len(names)}")
        if rows.shape != (len(found), 3072):
            raise Refusal(
                f"{path} has {len(found)} labels, and pixels of shape {rows.shape} instead of "
                f"({len(found)}, 3072)"
            )
        pixels.append(rows)
        labels += found
    # Each row holds one plane per channel (red, green, blue), line by line.
    planes = np.concatenate(pixels).reshape(-1, 3, 32, 32)
    return ImageArrays(
        images=np.ascontiguousarray(planes.transpose(0, 2, 3, 1)),
        labels=np.asarray(labels, dtype=np.int64),
        class_names=names,
        sample_ids=np.asarray([f"{split}/{row:05d}" for row in range(len(labels))]),
    )


class _ArraysOnly(pickle.Unpickler):
    """Admits arrays, dictionaries, lists, numbers, bytes and text; nothing that runs code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no image file needs")
        return ADMITTED[module, name]


def _unpickled(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            content = _ArraysOnly(file, encoding="latin1").load()
    except Exception as error:  # a hostile file may make an unpickler raise anything
        raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error
    if not isinstance(content, dict):
        raise Refusal(f"{path} does not contain a dictionary")
    return content
