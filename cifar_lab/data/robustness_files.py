"""The official files of CIFAR-10-C and CIFAR-10.1, read as they are.

CIFAR-10-C: https://zenodo.org/records/2535967 (Hendrycks and Dietterich 2019).
CIFAR-10.1: https://github.com/modestyachts/CIFAR-10.1 (Recht et al. 2018,
https://arxiv.org/abs/1806.00451).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.corruptions.suite import CORRUPTIONS, SEVERITIES
from cifar_lab.data.suites import Condition, Suite
from cifar_lab.refusal import Refusal
from cifar_lab.wording import first_sentence, several

#: The classes, in the order of the official labels.
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
#: Height and width of every image, in pixels.
SIZE = (32, 32)
#: Images of each severity of CIFAR-10-C, and of each version of CIFAR-10.1.
IMAGES, VERSIONS = 10_000, {"v4": 2021, "v6": 2000}
#: Corruptions that the paper keeps out of the mean; a folder may lack them.
EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
ALLOWED = (
    "a folder holds either CIFAR-10-C (labels.npy, gaussian_noise.npy and the other fourteen "
    f"corruptions; {several([f'{name}.npy' for name in EXTRA])} if you like) or CIFAR-10.1 "
    "(cifar10.1_v4_data.npy with cifar10.1_v4_labels.npy, the same of v6, or both)"
)


def official_suites(
    folder: Path, class_names: tuple[str, ...], image_size: tuple[int, int]
) -> list[Suite]:
    """Recognise and check the files of a folder; images are read when they are needed.

    Args:
        folder: with the official files, as they are.
        class_names: of a run, in the order of its labels; the official ones in any order.
        image_size: height and width of the run's images.

    Raises:
        Refusal: with all that does not fit.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.npy"))}
    groups = _recognised(folder, files)
    arrays: dict[str, NDArray[np.generic]] = {}
    problems = [*_other_classes(class_names), *_other_size(image_size)]
    problems += [problem for shapes in groups.values() for problem in _read(files, shapes, arrays)]
    if problems:
        raise Refusal(problems)
    names = [name.strip().lower() for name in class_names]
    places = np.array([names.index(name) for name in CLASSES], dtype=np.int64)
    return [_suite(name, shapes, files, arrays, places) for name, shapes in groups.items()]


def _recognised(folder: Path, files: Mapping[str, Path]) -> dict[str, dict[str, int]]:
    """For each suite, the files that it needs and how many rows each must have.

    Raises:
        Refusal: files are missing, or belong to something else.
    """
    corruptions = [name for name in (*CORRUPTIONS, *EXTRA) if name in files]
    versions = [version for version in VERSIONS if any(_stem(version) in name for name in files)]
    if not (corruptions or versions):
        raise Refusal(f"{folder} has none of the official files; {ALLOWED}")
    needed: dict[str, dict[str, int]] = {}
    if corruptions:
        total = IMAGES * len(SEVERITIES)
        wanted = [*CORRUPTIONS, *(name for name in EXTRA if name in files), "labels"]
        needed["CIFAR-10-C"] = dict.fromkeys(wanted, total)
    for version in versions:
        pair = (f"{_stem(version)}data", f"{_stem(version)}labels")
        needed[f"CIFAR-10.1 {version}"] = dict.fromkeys(pair, VERSIONS[version])
    known = {name for shapes in needed.values() for name in shapes}
    problems = [
        f"{folder / f'{name}.npy'} does not exist, but {suite} needs it"
        for suite, shapes in needed.items()
        for name in shapes
        if name not in files
    ]
    problems += [f"{path} is not one of these files" for n, path in files.items() if n not in known]
    if corruptions and versions:
        problems.append(f"{folder} mixes CIFAR-10-C and CIFAR-10.1; put each in its own folder")
    if problems:
        raise Refusal([*problems, f"{folder} was refused: {ALLOWED}"])
    return needed


def _stem(version: str) -> str:
    return f"cifar10.1_{version}_"


def _other_classes(class_names: tuple[str, ...]) -> Iterator[str]:
    found = [name.strip().lower() for name in class_names]
    if sorted(found) == sorted(CLASSES):
        return
    missing = [name for name in CLASSES if name not in found]
    others = [name for name in class_names if name.strip().lower() not in CLASSES]
    told = [f"it lacks {several(missing)}"] if missing else []
    told += [f"{several(others[:10])} {'is' if len(others) == 1 else 'are'} not among them"] * bool(
        others
    )
    yield (
        f"these files are of CIFAR-10's ten classes, but the run has {len(class_names)} classes: "
        f"{'; '.join(told) or 'some occur twice'}; evaluate a run trained on CIFAR-10, whose "
        f"classes are named {several(CLASSES)}, in any order"
    )


def _other_size(image_size: tuple[int, int]) -> Iterator[str]:
    if image_size != SIZE:
        yield (
            f"these files have images of {SIZE[0]}×{SIZE[1]} pixels, but the run was trained on "
            f"{image_size[0]}×{image_size[1]}; evaluate a run of 32×32 images"
        )


def _read(
    files: Mapping[str, Path], shapes: Mapping[str, int], arrays: dict[str, NDArray[np.generic]]
) -> Iterator[str]:
    """Map the files of a suite into memory; yield what is wrong with them."""
    for name, count in shapes.items():
        path = files[name]
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            yield f"{path} could not be read: {first_sentence(error)}"
            continue
        arrays[name] = array
        if not isinstance(array, np.ndarray):
            yield f"{path} is not an array in NumPy's npy format"
        elif name.endswith("labels"):
            yield from _wrong_labels(path, array, count)
        elif array.dtype != np.uint8 or array.shape != (count, *SIZE, 3):
            yield (
                f"{path} must be uint8 of shape {(count, *SIZE, 3)}, got {array.dtype} of shape "
                f"{array.shape}"
            )


def _wrong_labels(path: Path, labels: NDArray[np.generic], count: int) -> Iterator[str]:
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        yield (
            f"{path} must be integers of shape {(count,)}, got {labels.dtype} of shape "
            f"{labels.shape}"
        )
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(CLASSES):
        yield f"{path} must have labels from 0 to {len(CLASSES) - 1}, got {low} to {high}"


def _suite(
    name: str,
    shapes: Mapping[str, int],
    files: Mapping[str, Path],
    arrays: Mapping[str, NDArray[np.generic]],
    places: NDArray[np.int64],
) -> Suite:
    hashes = {files[each].name: _sha256(files[each]) for each in shapes}
    (key,) = (each for each in shapes if each.endswith("labels"))
    labels = places[np.asarray(arrays[key], dtype=np.int64)]
    images = [each for each in shapes if each != key]
    if name == "CIFAR-10-C":
        conditions = [c for each in images for c in _severities(each, files[each], labels)]
    else:
        (only,) = images
        conditions = [Condition(name, None, False, partial(_rows, files[only], 0), labels)]
    return Suite(name, None, None, hashes, tuple(conditions))


def _severities(name: str, path: Path, labels: NDArray[np.int64]) -> Iterator[Condition]:
    count = len(labels) // len(SEVERITIES)
    for number, severity in enumerate(SEVERITIES):
        start, end = number * count, (number + 1) * count
        images = partial(_rows, path, start, end)
        yield Condition(name, severity, name in CORRUPTIONS, images, labels[start:end])


def _rows(path: Path, start: int, end: int | None = None) -> NDArray[np.uint8]:
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False)[start:end])


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
