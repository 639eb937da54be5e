"""Image sizes as a report states them: few or many, scaled or not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.data.arrays import Dataset
from cifar_lab.report.sections.sizes import NAMED, original_sizes, size_counts, sizes
from tests.report.readings import dataset


def test_images_of_one_size_are_said_to_be():
    (text,) = sizes(dataset())
    assert text.text == "All 24 images are 6×8 pixels (height × width)."


def test_one_size_that_was_scaled_is_told_as_it_was():
    (text,) = sizes(scaled(np.full((12, 2), 5), np.full((12, 2), 5)))
    assert text.text == "All 24 images are 5×5 pixels (height × width), scaled to 6×8."


def test_a_few_sizes_are_counted_by_split():
    train = np.asarray([[3, 5]] * 4 + [[5, 3]] * 6 + [[7, 7]] * 2)
    text, chart = sizes(scaled(train, np.asarray([[3, 5]] * 12)))
    assert text.text.startswith("The images have 3 different sizes and are scaled to 6×8 pixels")
    # Of the twelve images, the first nine are for training and the rest for validation.
    rows = re.findall(r"<tr><th[^>]*>(.*?)</th>.*?((?:<td>\d+</td>)+)</tr>", chart.html)
    assert [[name, *re.findall(r"\d+", cells)] for name, cells in rows] == [
        ["3×5", "4", "0", "12"], ["5×3", "5", "1", "0"], ["7×7", "0", "2", "0"],
    ]  # fmt: skip
    (picture,) = chart.pictures
    assert picture.name == "image_sizes"
    assert picture.alt == (
        "Images by height × width; train: 4 of 3×5, 5 of 5×3; validation: 1 of 5×3, 2 of 7×7; "
        "test: 12 of 3×5."
    )


def test_many_sizes_are_told_by_the_smallest_the_middle_and_the_largest():
    train = np.stack([np.arange(10, 22), np.arange(40, 28, -1)], axis=1)
    test = np.asarray([[50, 60]] * 5 + [[51, 61]] * 7)
    assert len(np.unique(np.concatenate([train, test]), axis=0)) > NAMED
    _, picture, table = sizes(scaled(train, test))
    assert "before scaling" in picture.caption
    assert table.rows == [
        ["train", "10 / 14 / 18", "32 / 36 / 40"],
        ["validation", "19 / 20 / 21", "29 / 30 / 31"],
        ["test", "50 / 51 / 51", "60 / 61 / 61"],
    ]


@pytest.mark.parametrize("held_out", [0, 3])
def test_a_split_without_images_is_left_out(held_out):
    known = dataset()
    found = original_sizes(replace(known, val_indices=known.val_indices[:held_out]))
    assert ("val" in found) == bool(held_out)


def test_sizes_are_counted_by_height_and_width():
    found = size_counts(np.asarray([[4, 2], [2, 4], [4, 2]]))
    assert found == {(2, 4): 1, (4, 2): 2}


def scaled(train: np.ndarray, test: np.ndarray) -> Dataset:
    """The small data set as if its files had these sizes."""
    known = dataset()
    source = replace(
        known.source,
        train=replace(known.source.train, file_sizes=train),
        test=replace(known.source.test, file_sizes=test),
    )
    return replace(known, source=source)
