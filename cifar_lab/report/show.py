"""What ``cifar-lab show`` prints and draws: parts of an experiment before it has run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cifar_lab.data.arrays import Dataset
from cifar_lab.models.summary import summarise
from cifar_lab.optim.schedules import Schedule
from cifar_lab.report.image_figures import samples
from cifar_lab.report.sections.data import class_counts, spread
from cifar_lab.report.training_figures import SPLIT_NAMES, learning_rate
from cifar_lab.run.folder import write_atomically

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack

COLUMNS = 10


def data(dataset: Dataset, folder: Path) -> str:
    """Counts of each class and split, mean and standard deviation; draws images of each class."""
    train, counts = dataset.source.train, class_counts(dataset)
    width = max(len("class"), *map(len, dataset.class_names))
    lines = [f"{'class':<{width}}" + "".join(f"{SPLIT_NAMES[split]:>12}" for split in counts)]
    for label, name in enumerate(dataset.class_names):
        numbers = "".join(f"{values[label]:>12,}" for values in counts.values())
        lines.append(f"{name:<{width}}{numbers}")
    lines.append(f"{'all':<{width}}" + "".join(f"{v.sum():>12,}" for v in counts.values()))
    lines.append(f"images of {dataset.image_size[0]}×{dataset.image_size[1]} pixels, RGB")
    lines.append(f"mean of R, G, B / 255 of the training images: {_numbers(dataset.mean)}")
    lines.append(f"standard deviation / 255: {_numbers(dataset.std)}")
    rows = dataset.train_indices
    chosen = [
        row
        for label in range(min(len(dataset.class_names), COLUMNS))
        for row in spread(rows[train.labels[rows] == label], COLUMNS)
    ]
    titles = [dataset.class_names[train.labels[row]] for row in chosen]
    picture = samples([train.images[row] for row in chosen], titles, COLUMNS)
    return "\n".join([*lines, _saved(folder / "data.png", picture)])


def augmentation(dataset: Dataset, stack: AugmentationStack | None, folder: Path) -> str:
    """Draws eight training images, each beside what seven epochs make of it."""
    train = dataset.source.train
    images, titles = [], []
    for row in spread(dataset.train_indices, 8):
        images.append(train.images[row])
        titles.append("as it is")
        for epoch in range(7):
            image = train.images[row]
            images.append(image if stack is None else stack.one(image, epoch, int(row)))
            titles.append(f"epoch {epoch + 1}")
    return _saved(folder / "augmentation.png", samples(images, titles, columns=8))


def model(network: nn.Module, image_size: tuple[int, int]) -> str:
    """The layer table."""
    return summarise(network, image_size).table


def schedule(planned: Schedule, relative: bool, folder: Path) -> str:
    """The learning rate at the end of each epoch; draws that of every step.

    Args:
        planned: over the whole run.
        relative: its maximum is not known yet, and stands for 1.
        folder: where the figure is saved.
    """
    rates = [planned.learning_rate(step) for step in range(planned.total_steps)]
    steps_per_epoch = planned.steps_per_epoch
    lines = [f"{planned.total_steps:,} steps, {steps_per_epoch:,} an epoch"]
    if relative:
        lines.append("a run finds the maximum first; these are multiples of it:")
    lines.append(f"first step: {rates[0]:.6g}; largest: {max(rates):.6g}; last: {rates[-1]:.6g}")
    for epoch in range(planned.total_steps // steps_per_epoch):
        rate = rates[(epoch + 1) * steps_per_epoch - 1]
        lines.append(f"last step of epoch {epoch + 1:>3}: {rate:.6g}")
    picture = learning_rate(rates, steps_per_epoch, used=[], relative=relative)
    return "\n".join([*lines, _saved(folder / "schedule.png", picture)])


def _numbers(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.8f}" for value in values)


def _saved(path: Path, png: bytes) -> str:
    write_atomically(path, png)
    return f"figure: {path}"
