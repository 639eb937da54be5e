"""The page that ``cifar-lab show data`` writes: a data set before training."""

from __future__ import annotations

import numpy as np

from cifar_lab.data.arrays import Dataset, pixel_counts, pixel_statistics
from cifar_lab.data.near_duplicates import NearDuplicates
from cifar_lab.report.blocks import Block, Page, Picture, Section, Table
from cifar_lab.report.figures.data import pixel_values
from cifar_lab.report.figures.training import SPLIT_NAMES
from cifar_lab.report.sections.data import channels, samples_of_classes, splits
from cifar_lab.report.sections.near_duplicates import near_duplicates_of
from cifar_lab.report.sections.sizes import sizes


def data_page(data: Dataset, name: str, found: NearDuplicates) -> Page:
    """Counts, classes, sizes, pixel values and samples.

    Args:
        data: images and splits.
        name: name of the data set.
        found: the near-duplicates among all its images.
    """
    test = data.source.test
    images = len(data.train_indices) + len(data.val_indices) + len(test)
    return Page(
        title=f"Data: {name}",
        lead=f"{images:,} images in {len(data.class_names)} classes, as a run would see them. "
        f"Pixel fingerprint: {data.source.fingerprint[:16]}.",
        blocks=[],
        sections=[
            Section("Splits and classes", splits(data)),
            Section("Near-duplicates", near_duplicates_of(data, found)),
            Section("Image sizes", sizes(data)),
            Section("Pixel values", _pixels(data)),
            Section("Samples", samples_of_classes(data)),
        ],
    )


def _pixels(data: Dataset) -> list[Block]:
    train, test = data.source.train.images, data.source.test.images
    found = {
        SPLIT_NAMES["train"]: pixel_statistics(train, data.train_indices),
        SPLIT_NAMES["test"]: pixel_statistics(test, np.arange(len(test))),
    }
    if len(data.val_indices):
        both = np.sort(np.concatenate([data.train_indices, data.val_indices]))
        found["train and validation"] = pixel_statistics(train, both)
    table = Table(
        ("split", "mean of R, G, B / 255", "standard deviation / 255"),
        [
            [split, *(channels(values) for values in statistics)]
            for split, statistics in found.items()
        ],
    )
    counts = pixel_counts(train, data.train_indices)
    return [
        table,
        Picture(
            "pixel_values",
            pixel_values(counts, {split: found[SPLIT_NAMES[split]] for split in ("train", "test")}),
            alt=f"Distribution of pixel values; mean {channels(found['train'][0])} and standard "
            f"deviation {channels(found['train'][1])} in training.",
            caption="Left: how often each channel value occurs in the training images. Right: mean "
            "± standard deviation of each channel over all pixels.",
        ),
    ]
