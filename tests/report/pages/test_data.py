"""The page of a data set against its pixels."""

from __future__ import annotations

import numpy as np

from cifar_lab.report.pages.data import data_page
from tests.report.readings import dataset
from tests.report.sections.test_near_duplicates import none


def test_the_page_has_classes_sizes_pixels_and_samples():
    page = data_page(dataset(), "Custom", none("few"))
    assert page.title == "Data: Custom"
    assert page.lead.startswith("24 images in 3 classes")
    assert [section.title for section in page.sections] == [
        "Splits and classes", "Near-duplicates", "Image sizes", "Pixel values", "Samples",
    ]  # fmt: skip
    names = [picture.name for picture in page.pictures()]
    assert names == ["class_distribution", "pixel_values", "samples"]


def test_mean_and_deviation_are_those_of_the_pixels_of_each_split():
    images = dataset()
    table = data_page(images, "Custom", none("few")).sections[3].blocks[0]
    train, test = images.source.train.images / 255, images.source.test.images / 255
    expected = {"train": train[:9], "test": test, "train and validation": train}
    assert [row[0] for row in table.rows] == list(expected)
    for (_, mean, std), pixels in zip(table.rows, expected.values(), strict=True):
        flat = pixels.reshape(-1, 3)
        assert mean == " ".join(f"{value:.8f}" for value in flat.mean(axis=0))
        assert std == " ".join(f"{value:.8f}" for value in np.std(flat, axis=0))
