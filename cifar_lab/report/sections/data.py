"""The data that the model saw. ``cifar-lab show data`` shows the same before a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.duplicates import duplicates
from cifar_lab.nodes import NO_MIXING, type_name
from cifar_lab.report.blocks import Block, Picture, Section, Table, Text
from cifar_lab.report.figures.data import class_distribution
from cifar_lab.report.figures.images import samples
from cifar_lab.report.figures.training import SPLIT_NAMES
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.sizes import sizes
from cifar_lab.wording import plural, several

#: Sample images in all, images in a row, and classes named in words.
SAMPLES, EACH, CLASSES = 200, 8, 20
#: Images and epochs shown under augmentation.
AUGMENTED, EPOCHS = 6, 7
#: How many duplicates are listed.
NAMED = 5


def data(reading: Reading) -> Section:
    """Counts, sizes, samples, duplicates and augmented images."""
    dataset = reading.dataset
    shown = [*splits(dataset), *sizes(dataset), samples_of_classes(dataset), _augmented(reading)]
    return Section("Data", shown)


def splits(data: Dataset) -> list[Block]:
    """Images per split and class, normalisation and duplicates."""
    counts = class_counts(data)
    return [
        _table(data, counts),
        Text(f"Normalised with {normalised_by(data)}."),
        Text(duplicates_found(data)),
        _distribution(counts, data.class_names),
    ]


def normalised_by(data: Dataset) -> str:
    """Mean and standard deviation of each channel, of pixel values / 255."""
    return (
        f"mean {channels(data.mean)} and standard deviation {channels(data.std)} of R, G, B / 255"
    )


def channels(values: NDArray[np.float64]) -> str:
    """Format one number per channel, float64 ``(3,)``, to eight digits."""
    return " ".join(f"{value:.8f}" for value in values)


def class_counts(data: Dataset) -> dict[str, NDArray[np.int64]]:
    """Number of images per class in each split, int64 ``(classes,)``."""
    labels = {
        "train": data.source.train.labels[data.train_indices],
        "val": data.source.train.labels[data.val_indices],
        "test": data.source.test.labels,
    }
    number = len(data.class_names)
    return {split: np.bincount(values, minlength=number) for split, values in labels.items()}


def duplicates_found(data: Dataset) -> str:
    """One sentence about test images that are also training images."""
    train, test = data.source.train, data.source.test
    pairs = duplicates(train.images, test.images)
    if not pairs:
        return (
            "No test image is an exact copy of a training image (near-duplicates are not checked)."
        )
    named = [f"{test.sample_ids[b]} = {train.sample_ids[a]}" for a, b in pairs[:NAMED]]
    more = [f"{len(pairs) - NAMED} more"] if len(pairs) > NAMED else []
    one = "test image is an exact copy of a training image"
    many = "test images are exact copies of training images"
    return f"{plural(len(pairs), one, many)}: {several([*named, *more])}."


def _table(data: Dataset, counts: dict[str, NDArray[np.int64]]) -> Table:
    height, width = data.image_size
    rows = [
        [SPLIT_NAMES[split], f"{values.sum():,}", _range(values)]
        for split, values in counts.items()
        if values.sum()
    ]
    return Table(
        ("split", "images", "images per class", "height × width"),
        [[*row, f"{height}×{width}"] for row in rows],
    )


def _range(values: NDArray[np.int64]) -> str:
    low, high = f"{values.min():,}", f"{values.max():,}"
    return low if low == high else f"{low} to {high}"


def _distribution(counts: dict[str, NDArray[np.int64]], names: Sequence[str]) -> Picture:
    train = counts["train"]
    return Picture(
        "class_distribution",
        class_distribution(counts, names),
        alt=f"Images per class; {_range(train)} in training.",
        caption="Images per class in each split.",
    )


def samples_of_classes(data: Dataset) -> Picture:
    """Training images of each class, labelled with its name."""
    train, names = data.source.train, data.class_names
    labels = train.labels[data.train_indices]
    each, shown = samples_of_each(len(names)), range(min(len(names), SAMPLES))
    rows = [r for label in shown for r in spread(data.train_indices[labels == label], each)]
    all_of_them = len(shown) == len(names)
    told = f"all {len(names)}" if all_of_them else f"{len(shown)} of {len(names)}"
    first = [*(names[label] for label in shown[:CLASSES]), *["others"] * (len(shown) > CLASSES)]
    return Picture(
        "samples",
        samples([train.images[r] for r in rows], [names[train.labels[r]] for r in rows], EACH),
        alt=f"Training images of {several(first)}.",
        caption=f"Training images with their labels, at most {each} of each class, evenly spaced "
        f"through it. Showing {told} classes.",
        width="natural",
    )


def samples_of_each(classes: int) -> int:
    """Images of each class, so that rows hold whole classes: the most that ``SAMPLES`` allow."""
    return next((each for each in (EACH, 4, 2) if each * classes <= SAMPLES), 1)


def _augmented(reading: Reading) -> Picture:
    data = reading.dataset
    train, pictures, titles = data.source.train, [], []
    for row in spread(data.train_indices, AUGMENTED):
        pictures.append(train.images[row])
        titles.append(data.class_names[train.labels[row]])
        for epoch in range(EPOCHS):
            image, stack = train.images[row], reading.stack
            pictures.append(image if stack is None else stack.one(image, epoch, int(row)))
            titles.append(f"epoch {epoch + 1}")
    steps = list(reading.run.config["augmentation"]["train"])
    return Picture(
        "augmented",
        samples(pictures, titles, EPOCHS + 1),
        alt=f"Original training images, and the same as seen in {EPOCHS} epochs.",
        caption="Left: original training images. To the right: what the network sees of them in "
        f"each epoch, before normalisation: {several(steps) if steps else 'no augmentation'}."
        f"{_mixed(reading.run.config)}",
        width="natural",
    )


def _mixed(config: dict[str, Any]) -> str:
    """How images are mixed afterwards, if they are."""
    node = config["mixing"]
    settings = ", ".join(f"{k} {v:g}" for k, v in node.items() if not k.startswith("_"))
    name = type_name(node)
    return (
        ""
        if node["_target_"] == NO_MIXING
        else f" Images are then mixed in pairs within each batch: {name}, {settings}."
    )


def spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """At most ``number`` rows, evenly spaced: neighbours on disk often show the same object."""
    places = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
    return rows[places]
