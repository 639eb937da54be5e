"""The data: what the model was shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.duplicates import duplicates
from cifar_lab.report.blocks import Block, Picture, Section, Table, Text
from cifar_lab.report.data_figures import class_distribution
from cifar_lab.report.image_figures import samples
from cifar_lab.report.reading import Reading
from cifar_lab.report.training_figures import SPLIT_NAMES
from cifar_lab.report.wording import plural, several

#: Classes and images of each that are shown, and images and epochs of augmentation.
CLASSES, EACH, AUGMENTED, EPOCHS = 20, 8, 6, 7
#: Duplicates that are named.
NAMED = 5


def data(reading: Reading) -> Section:
    """Counts, samples, duplicates and what augmentation makes of the images."""
    dataset = reading.dataset
    counts = class_counts(dataset)
    blocks: list[Block] = [_table(dataset, counts), Text(duplicates_found(dataset))]
    blocks += [_distribution(counts, dataset.class_names), _samples(dataset), _augmented(reading)]
    return Section("Data", blocks)


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
        [SPLIT_NAMES[split], f"{values.sum():,}", f"{values.min():,} to {values.max():,}"]
        for split, values in counts.items()
        if values.sum()
    ]
    size = f"{height}×{width}"
    mean, std = (" ".join(f"{v:.4f}" for v in values) for values in (data.mean, data.std))
    return Table(
        ("split", "images", "of each class", "size", "mean of R, G, B / 255", "standard deviation"),
        [
            [*row, size, *((mean, std) if row[0] == SPLIT_NAMES["train"] else ("", ""))]
            for row in rows
        ],
    )


def _distribution(counts: dict[str, NDArray[np.int64]], names: Sequence[str]) -> Picture:
    train = counts["train"]
    return Picture(
        "class_distribution",
        class_distribution(counts, names),
        alt=f"Images of each class; in training {train.min():,} to {train.max():,}.",
        caption="Images of each class in each split.",
    )


def _samples(data: Dataset) -> Picture:
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
    steps = list(reading.config["augmentation"]["train"])
    return Picture(
        "augmented",
        samples(pictures, titles, EPOCHS + 1),
        alt=f"Training images as they are and as {EPOCHS} epochs show them.",
        caption="Left, training images as they are; beside them what the network is shown of them "
        f"in each epoch, before normalisation: {several(steps) if steps else 'no augmentation'}."
        f"{_mixed(reading.config)}",
        width="natural",
    )


def _mixed(config: dict[str, Any]) -> str:
    """What becomes of whole batches afterwards."""
    node = dict(config.get("mixing", {}))
    name = str(node.pop("_target_", "none")).rsplit(".", 1)[-1]
    settings = ", ".join(f"{key} {value:g}" for key, value in node.items())
    return "" if name == "none" else f" Whole batches are then mixed in pairs: {name}, {settings}."


def spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """At most so many rows, evenly spread: neighbours on disk are often takes of one thing."""
    places = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
    return rows[places]
