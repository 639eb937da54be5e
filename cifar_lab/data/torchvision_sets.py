"""Which of torchvision's data sets can be read, and where their files lie.

https://docs.pytorch.org/vision/stable/datasets.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cifar_lab.data.official import CIFAR10, CIFAR100, OfficialFiles
from cifar_lab.refusal import did_you_mean
from cifar_lab.wording import several

Split = Literal["train", "validation", "test"]
TRAIN_FLAG: dict[Split, dict[str, Any]] = {"train": {"train": True}, "test": {"train": False}}
BY_NAME: dict[Split, dict[str, Any]] = {"train": {"split": "train"}, "test": {"split": "test"}}
WITH_VALIDATION: dict[Split, dict[str, Any]] = {**BY_NAME, "validation": {"split": "val"}}
DIGITS = tuple("0123456789")
FOUR_FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


@dataclass(frozen=True)
class TorchvisionSet:
    """One of torchvision's data sets.

    Attributes:
        places: files and folders below the root, with the options in braces.
        splits: arguments of torchvision's class for each split.
        size: height and width in pixels; None if the images differ in size.
        class_names: where torchvision's class has no attribute ``classes``.
        options: further arguments that may be chosen, with their values; a first value of None
            means that it need not be.
        by_split: whether a call downloads a single split.
        official: read by this project's own reader, as torchvision unpickles these files.
    """

    places: tuple[str, ...]
    splits: Mapping[Split, Mapping[str, Any]]
    size: tuple[int, int] | None
    class_names: tuple[str, ...] | None = None
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    by_split: bool = False
    official: OfficialFiles | None = None


def _idx(name: str) -> TorchvisionSet:
    places = tuple(f"{name}/raw/{file}-ubyte" for file in FOUR_FILES)
    return TorchvisionSet(places, TRAIN_FLAG, (28, 28))


def _cifar(files: OfficialFiles) -> TorchvisionSet:
    return TorchvisionSet((files.folder,), TRAIN_FLAG, (32, 32), official=files)


SETS = {
    "CIFAR10": _cifar(CIFAR10),
    "CIFAR100": _cifar(CIFAR100),
    "DTD": TorchvisionSet(
        ("dtd/dtd/images", "dtd/dtd/labels"),
        WITH_VALIDATION,
        None,
        options={"partition": (None, *range(1, 11))},
    ),
    "EMNIST": TorchvisionSet(
        tuple(
            f"EMNIST/raw/emnist-{{split}}-{split}-{file}-ubyte"
            for split in ("train", "test")
            for file in ("images-idx3", "labels-idx1")
        ),
        TRAIN_FLAG,
        (28, 28),
        options={"split": ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")},
    ),
    "FER2013": TorchvisionSet(
        ("fer2013",),
        BY_NAME,
        (48, 48),
        ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    ),
    "FGVCAircraft": TorchvisionSet(
        ("fgvc-aircraft-2013b/data",),
        WITH_VALIDATION,
        None,
        options={"annotation_level": (None, "variant", "family", "manufacturer")},
    ),
    "FashionMNIST": _idx("FashionMNIST"),
    "Flowers102": TorchvisionSet(
        ("flowers-102/jpg", "flowers-102/imagelabels.mat", "flowers-102/setid.mat"),
        WITH_VALIDATION,
        None,
    ),
    "Food101": TorchvisionSet(("food-101/images", "food-101/meta"), BY_NAME, None),
    "GTSRB": TorchvisionSet(
        ("gtsrb/GTSRB/Training", "gtsrb/GTSRB/Final_Test/Images", "gtsrb/GT-final_test.csv"),
        BY_NAME,
        None,
        by_split=True,
    ),
    "KMNIST": _idx("KMNIST"),
    "MNIST": _idx("MNIST"),
    "OxfordIIITPet": TorchvisionSet(
        ("oxford-iiit-pet/images", "oxford-iiit-pet/annotations"),
        {"train": {"split": "trainval"}, "test": {"split": "test"}},
        None,
    ),
    "QMNIST": TorchvisionSet(
        tuple(
            f"QMNIST/raw/qmnist-{split}-{file}"
            for split in ("train", "test")
            for file in ("images-idx3-ubyte", "labels-idx2-int")
        ),
        TRAIN_FLAG,
        (28, 28),
        by_split=True,
    ),
    "STL10": TorchvisionSet(
        tuple(
            f"stl10_binary/{name}"
            for name in ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin")
        ),
        BY_NAME,
        (96, 96),
        options={"folds": (None, *range(10))},
    ),
    "SVHN": TorchvisionSet(
        ("train_32x32.mat", "test_32x32.mat"), BY_NAME, (32, 32), DIGITS, by_split=True
    ),
    "USPS": TorchvisionSet(("usps.bz2", "usps.t.bz2"), TRAIN_FLAG, (16, 16), DIGITS, by_split=True),
}
#: Data sets that other options read.
FOLDERS = {
    "ImageFolder": "dataset=image_folder reads any folder of images",
    "DatasetFolder": "dataset=image_folder reads any folder of images",
    "EuroSAT": "it has no test split; use dataset=image_folder dataset.root=…/eurosat/2750",
    "Imagenette": "use dataset=image_folder with its folder, e.g. dataset.root=…/imagenette2-160",
    "Country211": "use dataset=image_folder dataset.root=…/country211",
    "ImageNet": "use dataset=image_folder with the folder that holds train/ and val/",
}


def why_not(name: str) -> str:
    """Say why a name is not one of :data:`SETS`, and which ones are."""
    from torchvision import datasets

    if name in FOLDERS:
        return FOLDERS[name]
    known = f"choose one of: {', '.join(SETS)}"
    if name in datasets.__all__:
        return (
            "this data set is not for image classification with labelled training and test "
            f"images, or is too large to decode at once; {known}"
        )
    return f"torchvision.datasets has no such data set{did_you_mean(name, SETS)}; {known}"


def option_problems(name: str, options: Mapping[str, Any]) -> list[str]:
    """Say which options of a data set are unknown, wrong or missing."""
    allowed = SETS[name].options
    problems = []
    for key, value in options.items():
        if key not in allowed:
            known = several(list(allowed)) or "none"
            problems.append(
                f"dataset.options.{key}: {name} has no such option; its options are: {known}"
            )
        elif value not in allowed[key]:
            problems.append(f"dataset.options.{key}={value}: must be {_one_of(allowed[key])}")
    problems += [
        f"dataset.options.{key} must be set for {name}: +dataset.options.{key}=… with "
        f"{_one_of(values)}"
        for key, values in allowed.items()
        if values[0] is not None and key not in options
    ]
    return problems


def _one_of(values: tuple[Any, ...]) -> str:
    return f"one of {', '.join(str(value) for value in values if value is not None)}"
