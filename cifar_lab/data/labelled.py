"""Labelled images that a user gives as arrays: checked, and brought into one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import ImageArrays, SourceImages
from cifar_lab.data.layout import first_few
from cifar_lab.data.pixel_arrays import Axes, pixels, resized
from cifar_lab.refusal import Refusal

#: The splits in the order in which they are checked.
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Given:
    """The images and labels of a split as they came.

    Attributes:
        images: uint8 ``(n, h, w, 3)``, or grey ``(n, h, w)`` or ``(n, h, w, 1)``; the channels may
            also come second.
        labels: integers ``(n,)`` or ``(n, 1)`` from 0 to the number of classes - 1.
        images_name: how messages call the images, e.g. ``x_train``.
        labels_name: how they call the labels.
    """

    images: Any
    labels: Any
    images_name: str
    labels_name: str


def assembled(
    given: Mapping[Split, Given],
    class_names: Sequence[str] | None,
    resize: int | None,
    axes: Axes,
    advice: str,
    problems: Sequence[str] = (),
) -> SourceImages:
    """Check what a user gave and make a source's images of it.

    Args:
        given: by split; validation images are optional.
        class_names: in the order of the labels; None for ``0``, ``1``, ….
        resize: side in pixels to which the images are resized; None keeps the size.
        axes: where the channels are.
        advice: what to do where that cannot be recognised.
        problems: what is already known to be wrong.

    Raises:
        Refusal: with everything that is wrong.
    """
    problems = [*problems]
    images: dict[Split, NDArray[np.uint8]] = {}
    labels: dict[Split, NDArray[np.int64]] = {}
    for split, each in given.items():
        found, wrong = pixels(each.images, each.images_name, axes, advice)
        indices, wrong_labels = _indices(each)
        problems += [*wrong, *wrong_labels]
        if found is not None:
            images[split] = found
        if indices is not None:
            labels[split] = indices
        if found is not None and indices is not None and len(found) != len(indices):
            problems.append(
                f"{each.images_name} has {len(found):,} images, but {each.labels_name} has "
                f"{len(indices):,} labels; each image needs one"
            )
    problems += _size_problems(images, given, resize)
    names, wrong = _names(class_names, labels)
    problems += wrong
    if not wrong:
        for split, found_labels in labels.items():
            problems += _class_problems(found_labels, names, split, given[split])
    if problems or not {"train", "test"} <= images.keys():
        raise Refusal(problems)
    return _sourced(images, labels, names, resize)


def _indices(given: Given) -> tuple[NDArray[np.int64] | None, list[str]]:
    """The labels, int64 ``(n,)``, or what is wrong with them."""
    name = given.labels_name
    code = name if name.isidentifier() else "labels"
    try:
        labels = np.asarray(given.labels)
    except (TypeError, ValueError, RuntimeError) as error:
        return None, [f"{name} cannot be made a numpy array: {error}"]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        return None, [f"{name} {_not_one_each(labels, code)}"]
    if labels.dtype.kind == "f" and (labels == np.round(labels)).all():
        advice = f"convert it with {code}.astype('int64')"
    elif labels.dtype.kind in "US":
        advice = f"class_names, {code} = np.unique({code}, return_inverse=True) gives both"
    else:
        advice = "each label is the number of a class, from 0"
    if labels.dtype.kind not in "iu":
        return None, [f"{name} is {labels.dtype}, and must be integers; {advice}"]
    return labels.astype(np.int64), []


def _not_one_each(labels: NDArray[Any], code: str) -> str:
    shape = tuple(labels.shape)
    hot = labels.ndim == 2 and labels.dtype.kind in "iufb" and bool((labels.sum(axis=1) == 1).all())
    if hot and np.isin(labels, (0, 1)).all():
        return f"is one-hot, of shape {shape}; give {code}.argmax(axis=1)"
    return f"has shape {shape}, and must be (n,): the number of one class for each image"


def _names(
    given: Sequence[str] | None, labels: Mapping[Split, NDArray[np.int64]]
) -> tuple[tuple[str, ...], list[str]]:
    """Names of the classes, and what is wrong with those that were given."""
    if given is None:
        highest = max((int(each.max()) for each in labels.values() if len(each)), default=-1)
        return tuple(str(number) for number in range(highest + 1)), []
    if isinstance(given, str) or not all(isinstance(name, str) for name in given):
        return (), [f"class_names must be a list of texts, got {given!r}"]
    twice = sorted({name for name in given if list(given).count(name) > 1})
    if twice:
        return (), [f"class_names names {first_few(twice)} more than once"]
    return tuple(map(str, given)), []


def _class_problems(
    labels: NDArray[np.int64], names: Sequence[str], split: Split, given: Given
) -> list[str]:
    """Labels out of range and classes without images; at most one sentence."""
    if not len(labels):
        return []  # told of the images
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(names):
        from_one = f"; {given.labels_name} - 1 would fit" if (low, high) == (1, len(names)) else ""
        return [
            f"{given.labels_name}: got {low} to {high}, but the labels of {len(names)} classes go "
            f"from 0 to {len(names) - 1}{from_one}"
        ]
    empty = [names[label] for label in np.setdiff1d(np.arange(len(names)), labels)]
    if not empty or split == "validation":
        return [] if len(names) > 1 else ["there is only one class, and one cannot be learnt"]
    from_one = "; labels begin at 0: subtract 1 if yours begin at 1" if low == 1 else ""
    return [
        f"{given.images_name} has no images of {len(empty)} of {len(names)} classes "
        f"({first_few(empty)}); each class needs training and test images{from_one}"
    ]


def _size_problems(
    images: Mapping[Split, NDArray[np.uint8]], given: Mapping[Split, Given], resize: int | None
) -> list[str]:
    sizes = {split: found.shape[1:3] for split, found in images.items()}
    if resize is not None or len(set(sizes.values())) < 2:
        return []
    shown = ", ".join(f"{given[split].images_name} {h}×{w}" for split, (h, w) in sizes.items())
    return [f"all images must have the same size, got {shown}; set dataset.resize=32 (or another)"]


def _sourced(
    images: Mapping[Split, NDArray[np.uint8]],
    labels: Mapping[Split, NDArray[np.int64]],
    names: tuple[str, ...],
    resize: int | None,
) -> SourceImages:
    def joined(*splits: Split) -> ImageArrays:
        present = [split for split in splits if split in images]
        ids = [f"{split}/{row:05d}" for split in present for row in range(len(labels[split]))]
        sized = [resized(images[split], resize) for split in present]
        # A single split is not copied, as its pixels may be mapped from a file.
        whole = sized[0][0] if len(sized) == 1 else np.concatenate([each for each, _ in sized])
        before = [size for _, size in sized if size is not None]
        return ImageArrays(
            whole,
            np.concatenate([labels[split] for split in present]),
            names,
            np.asarray(ids),
            np.concatenate(before) if before else None,
        )

    train = joined("train", "validation")
    rows = None
    if "validation" in images:
        rows = np.arange(len(labels["train"]), len(train), dtype=np.int64)
    return SourceImages.of(train, joined("test"), rows, own_validation_note("validation" in images))


def own_validation_note(own: bool) -> tuple[str, ...]:
    """Say that a source has a validation split of its own, if it does."""
    if not own:
        return ()
    return (
        "the data set has a validation split of its own; dataset.validation_fraction is not used",
    )
