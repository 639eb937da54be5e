"""The data: what the model was shown. ``cifar-lab show data`` shows the same before a run."""

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

#: Classes and images of each that are shown, and images and epochs of augmentation.
CLASSES, EACH, AUGMENTED, EPOCHS = 20, 8, 6, 7
#: Duplicates that are named.
NAMED = 5


def data(reading: Reading) -> Section:
    """Counts, sizes, samples, duplicates and what augmentation makes of the images."""
    dataset = reading.dataset
    shown = [*splits(dataset), *sizes(dataset), samples_of_classes(dataset), _augmented(reading)]
    return Section("Data", shown)


def splits(data: Dataset) -> list[Block]:
    """Images of each split and class, what they are normalised by, and duplicates."""
    counts = class_counts(data)
    return [
        _table(data, counts),
        Text(f"Normalised by {normalised_by(data)}."),
        Text(duplicates_found(data)),
        _distribution(counts, data.class_names),
    ]


def normalised_by(data: Dataset) -> str:
    """Mean and standard deviation of each channel, in the unit of pixels / 255."""
    return (
        f"mean {channels(data.mean)} and standard deviation {channels(data.std)} of R, G, B / 255"
    )


def channels(values: NDArray[np.float64]) -> str:
    """A number a channel, float64 ``(3,)``, to eight digits."""
    return " ".join(f"{value:.8f}" for value in values)


def class_counts(data: Dataset) -> dict[str, NDArray[np.int64]]:
    """Images of each class, int64 ``(classes,)``, in each split."""
    labels = {
        "train": data.source.train.labels[data.train_indices],
        "val": data.source.train.labels[data.val_indices],
        "test": data.source.test.labels,
    }
    number = len(data.class_names)
    return {split: np.bincount(values, minlength=number) for split, values in labels.items()}


def duplicates_found(data: Dataset) -> str:
    """One sentence about test images that were trained on."""
    train, test = data.source.train, data.source.test
    pairs = duplicates(train.images, test.images)
    if not pairs:
        return "No test image has the very pixels of a training image (near ones are not sought)."
    named = [f"{test.sample_ids[b]} = {train.sample_ids[a]}" for a, b in pairs[:NAMED]]
    more = [f"{len(pairs) - NAMED} more"] if len(pairs) > NAMED else []
    subject = plural(len(pairs), "test image has", "test images have")
    return f"{subject} the very pixels of a training image: {several([*named, *more])}."


def _table(data: Dataset, counts: dict[str, NDArray[np.int64]]) -> Table:
    height, width = data.image_size
    rows = [
        [SPLIT_NAMES[split], f"{values.sum():,}", _range(values)]
        for split, values in counts.items()
        if values.sum()
    ]
    return Table(
        ("split", "images", "of each class", "height × width"),
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
        alt=f"Images of each class; in training {_range(train)}.",
        caption="Images of each class in each split.",
    )


def samples_of_classes(data: Dataset) -> Picture:
    """Training images of each class under its name."""
    train, names = data.source.train, data.class_names
    labels = train.labels[data.train_indices]
    shown = range(min(len(names), CLASSES))
    rows = [r for label in shown for r in spread(data.train_indices[labels == label], EACH)]
    return Picture(
        "samples",
        samples([train.images[r] for r in rows], [names[train.labels[r]] for r in rows], EACH),
        alt=f"Training images of {several([names[label] for label in shown])}.",
        caption="Training images with their labels, evenly spread over each class.",
        width="natural",
    )


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
        alt=f"Training images as they are and as {EPOCHS} epochs show them.",
        caption="Left, training images as they are; beside them what the network is shown of them "
        f"in each epoch, before normalisation: {several(steps) if steps else 'no augmentation'}."
        f"{_mixed(reading.run.config)}",
        width="natural",
    )


def _mixed(config: dict[str, Any]) -> str:
    """What becomes of whole batches afterwards."""
    node = config["mixing"]
    settings = ", ".join(f"{k} {v:g}" for k, v in node.items() if not k.startswith("_"))
    name = type_name(node)
    return (
        ""
        if node["_target_"] == NO_MIXING
        else f" Whole batches are then mixed in pairs: {name}, {settings}."
    )


def spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """At most so many rows, evenly spread: neighbours on disk are often takes of one thing."""
    places = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
    return rows[places]
