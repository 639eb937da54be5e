"""``show``: prints and draws parts of an experiment before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.loaders import TrainLoader
from cifar_lab.engine.plan import Plan
from cifar_lab.models.summary import summarise
from cifar_lab.optim.listed import origin
from cifar_lab.optim.schedules import Schedule
from cifar_lab.recipe.near_duplicates import kept_near_duplicates
from cifar_lab.report.figures.images import rows_of_samples
from cifar_lab.report.figures.training import SPLIT_NAMES, learning_rate
from cifar_lab.report.page import write_page
from cifar_lab.report.pages.data import data_page
from cifar_lab.report.sections.augmented import rows
from cifar_lab.report.sections.data import channels, class_counts, duplicates_found
from cifar_lab.report.sections.near_duplicates import near_duplicates_in_words
from cifar_lab.run.files import write_atomically
from cifar_lab.wording import aligned

#: Minimum column width of image counts, in characters.
NUMBER_WIDTH = 10


def data(dataset: Dataset, name: str, folder: Path) -> str:
    """Write a page with figures; return counts per class and split, statistics and copies.

    Args:
        dataset: images and splits.
        name: the data set's name.
        folder: where to write ``data/``.
    """
    counts = class_counts(dataset)
    rows = [["class", *(SPLIT_NAMES[split] for split in counts)]]
    for label, class_name in enumerate(dataset.class_names):
        rows.append([class_name, *(f"{values[label]:,}" for values in counts.values())])
    rows.append(["all", *(f"{values.sum():,}" for values in counts.values())])
    lines = aligned(rows, right_from=1, narrowest=NUMBER_WIDTH)
    lines.append(f"image size: {dataset.image_size[0]}×{dataset.image_size[1]} pixels, RGB")
    lines.append(f"mean of R, G, B over the training images, / 255: {channels(dataset.mean)}")
    lines.append(f"standard deviation, / 255: {channels(dataset.std)}")
    lines += [f"note: {note}" for note in dataset.source.notes]
    lines += duplicates_found(dataset)
    found = kept_near_duplicates(dataset.source)
    lines += near_duplicates_in_words(dataset, found)
    page = folder / "data" / "data.html"
    write_page(data_page(dataset, name, found), page)
    return "\n".join([*lines, f"page: {page}"])


def augmentation(loader: TrainLoader, plan: Plan, class_names: Sequence[str], folder: Path) -> str:
    """Draw eight training images, each beside what the epochs of the run will show of it.

    Args:
        loader: of the training images.
        plan: says how many epochs and batches.
        class_names: in the order of the labels.
        folder: where to save the figure.
    """
    epochs, limit = plan.epochs_to_train, plan.limit_batches
    shown = rows(loader, class_names, epochs, 8, limit, processes=1)
    columns = max(len(row.tiles) for row in shown)
    return _saved(folder / "augmentation.png", rows_of_samples(shown, columns, class_names))


def model(network: nn.Module, image_size: tuple[int, int], batch_size: int) -> str:
    """Return the layer table with totals per image and per batch."""
    return summarise(network, image_size).table_at(batch_size)


def schedule(planned: Schedule, relative: bool, folder: Path) -> str:
    """Draw the learning rate at every step and list it at the end of each epoch.

    Args:
        planned: the schedule of the whole run.
        relative: its maximum is not known yet, so 1 stands for it.
        folder: where to save the figure.
    """
    rates = [planned.learning_rate(step) for step in range(planned.total_steps)]
    steps_per_epoch = planned.steps_per_epoch
    lines = [f"{planned.total_steps:,} steps, {steps_per_epoch:,} per epoch{origin(planned)}"]
    if relative:
        lines.append("the run finds the maximum before training; these are multiples of it:")
    lines.append(f"first step: {rates[0]:.6g}; largest: {max(rates):.6g}; last: {rates[-1]:.6g}")
    for epoch in range(planned.total_steps // steps_per_epoch):
        rate = rates[(epoch + 1) * steps_per_epoch - 1]
        lines.append(f"last step of epoch {epoch + 1:>3}: {rate:.6g}")
    picture = learning_rate(rates, steps_per_epoch, used=[], relative=relative)
    return "\n".join([*lines, _saved(folder / "schedule.png", picture)])


def _saved(path: Path, png: bytes) -> str:
    write_atomically(path, png)
    return f"figure: {path}"
