"""The data section against the images."""

from __future__ import annotations

from cifar_lab.report.sections.data import class_counts, data, duplicates_found, splits
from tests.report.readings import dataset, reading


def test_splits_are_counted_with_size_mean_and_deviation():
    table, normalised = data(reading()).blocks[:2]
    assert table.rows == [
        ["train", "9", "3", "6×8"],
        ["validation", "3", "1", "6×8"],
        ["test", "12", "4", "6×8"],
    ]
    assert normalised.text == (
        "Normalised with mean 0.50000000 0.50000000 0.50000000 and standard deviation 0.25000000 "
        "0.25000000 0.25000000 of R, G, B / 255."
    )
    counts = class_counts(dataset())
    assert {split: values.tolist() for split, values in counts.items()} == {
        "train": [3, 3, 3], "val": [1, 1, 1], "test": [4, 4, 4],
    }  # fmt: skip


def test_classes_of_unequal_size_are_told_from_the_smallest_to_the_largest():
    images = dataset()
    images.source.test.labels[:] = [0] * 7 + [1] * 3 + [2] * 2
    assert splits(images)[0].rows[2] == ["test", "12", "2 to 7", "6×8"]


def test_a_test_image_that_was_trained_on_is_named():
    assert duplicates_found(dataset()) == (
        '1 test image is an exact copy of a training image: test/5"><i> = train/7.'
    )


def test_no_duplicates_are_said_to_be_none():
    images = dataset()
    images.source.test.images[5] = 0
    assert duplicates_found(images).startswith("No test image is an exact copy")


def test_pictures_have_words():
    names = {block.name: block.alt for block in data(reading()).blocks if block.kind == "picture"}
    assert list(names) == ["class_distribution", "image_sizes", "samples", "augmented"]
    assert '<b>, cats & dogs and "quoted"' in names["samples"]
