"""Small files in the formats of torchvision's data sets."""

from __future__ import annotations

import bz2
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torchvision
from numpy.typing import NDArray
from PIL import Image


def grey(count: int, side: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, side, side), dtype=np.uint8)


def colour(count: int, side: int) -> NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def idx(path: Path, array: NDArray[Any]) -> None:
    """Write an array as http://yann.lecun.com/exdb/mnist describes."""
    kind = {"uint8": 0x08, "int32": 0x0C}[array.dtype.name]
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    path.write_bytes(head + array.astype(array.dtype.newbyteorder(">")).tobytes())


def mnist(root: Path, name: str) -> None:
    for word, count in (("train", 20), ("t10k", 10)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        idx(root / name / "raw" / f"{word}-images-idx3-ubyte", grey(count, 28))
        idx(root / name / "raw" / f"{word}-labels-idx1-ubyte", labels)


def qmnist(root: Path) -> None:
    for split, count in (("train", 20), ("test", 10)):
        labels = np.zeros((count, 8), np.int32)
        labels[:, 0] = np.arange(count) % 10
        idx(root / "QMNIST" / "raw" / f"qmnist-{split}-images-idx3-ubyte", grey(count, 28))
        idx(root / "QMNIST" / "raw" / f"qmnist-{split}-labels-idx2-int", labels)


def emnist_letters(root: Path) -> None:
    """Labels are 1 to 26."""
    for split, count in (("train", 52), ("test", 26)):
        prefix = root / "EMNIST" / "raw" / f"emnist-letters-{split}"
        idx(Path(f"{prefix}-images-idx3-ubyte"), grey(count, 28))
        idx(Path(f"{prefix}-labels-idx1-ubyte"), (1 + np.arange(count) % 26).astype(np.uint8))


def svhn(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels are 1 to 10, where 10 is the digit 0."""
    splits = {}
    for split, count in (("train", 20), ("test", 10)):
        labels = (1 + np.arange(count) % 10).astype(np.uint8)[:, None]
        images = colour(count, 32).transpose(1, 2, 3, 0)
        scipy.io.savemat(root / f"{split}_32x32.mat", {"X": images, "y": labels})
        splits[split] = ["", f"{split}_32x32.mat", None]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", splits)


def stl10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes of each channel, column by column; labels are 1 to 10."""
    folder = root / "stl10_binary"
    folder.mkdir()
    for split, count in (("train", 20), ("test", 10)):
        planes = colour(count, 96).transpose(0, 3, 2, 1)
        (folder / f"{split}_X.bin").write_bytes(planes.tobytes())
        (folder / f"{split}_y.bin").write_bytes(bytes(1 + row % 10 for row in range(count)))
    (folder / "unlabeled_X.bin").write_bytes(b"")
    names = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"]
    (folder / "class_names.txt").write_text("\n".join(names) + "\n")
    for key in ("train_list", "test_list"):
        listed = getattr(torchvision.datasets.STL10, key)
        monkeypatch.setattr(torchvision.datasets.STL10, key, [[n, None] for n, _ in listed])


def usps(root: Path) -> None:
    """LIBSVM's text: labels 1 to 10, then numbered pixels from -1 to 1."""
    for name, count in (("usps.bz2", 20), ("usps.t.bz2", 10)):
        levels = grey(count, 16).reshape(count, -1) / 127.5 - 1
        lines = [
            f"{1 + row % 10} " + " ".join(f"{n + 1}:{v:.4f}" for n, v in enumerate(values))
            for row, values in enumerate(levels)
        ]
        (root / name).write_bytes(bz2.compress(("\n".join(lines) + "\n").encode()))


def gtsrb(root: Path) -> None:
    """PPM files of different sizes: training images in folders, test images in a table."""
    base = root / "gtsrb"
    tested = base / "GTSRB" / "Final_Test" / "Images"
    tested.mkdir(parents=True)
    lines = ["Filename;Width;Height;ClassId"]
    for label in range(3):
        folder = base / "GTSRB" / "Training" / f"{label:05d}"
        folder.mkdir(parents=True)
        for number in range(4):
            Image.fromarray(colour(1, 20 + number)[0]).save(folder / f"{number:05d}.ppm")
        Image.fromarray(colour(1, 30 + label)[0]).save(tested / f"{label:05d}.ppm")
        lines.append(f"{label:05d}.ppm;30;30;{label}")
    (base / "GT-final_test.csv").write_text("\n".join(lines) + "\n")


def dtd(root: Path) -> None:
    """Lists of files for each split and partition."""
    labels = root / "dtd" / "dtd" / "labels"
    labels.mkdir(parents=True)
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for name in ("banded", "woven"):
        folder = root / "dtd" / "dtd" / "images" / name
        folder.mkdir(parents=True)
        for number, split in enumerate(("train", "train", "val", "test")):
            Image.fromarray(colour(1, 30 + number)[0]).save(folder / f"{number}.jpg")
            lists[split].append(f"{name}/{number}.jpg")
    for split, files in lists.items():
        (labels / f"{split}1.txt").write_text("\n".join(files) + "\n")


def pets(root: Path) -> None:
    """Images of one folder, and lists with labels from 1."""
    images, lists = (root / "oxford-iiit-pet" / name for name in ("images", "annotations"))
    images.mkdir(parents=True)
    lists.mkdir()
    for split, count in (("trainval", 3), ("test", 2)):
        lines = []
        for label, name in enumerate(("Abyssinian", "american_bulldog"), start=1):
            for number in range(count):
                image_id = f"{name}_{split}{number}"
                turned = Image.Exif()
                turned[0x0112] = 6  # on its side, which torchvision ignores
                picture = Image.fromarray(colour(1, 20 + number)[0, :, :18])
                picture.save(images / f"{image_id}.jpg", exif=turned)
                lines.append(f"{image_id} {label} 1 1")
        (lists / f"{split}.txt").write_text("\n".join(lines) + "\n")
