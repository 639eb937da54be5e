"""The data section against the images."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.data.arrays import SourceImages
from cifar_lab.report.blocks import Page
from cifar_lab.report.sections.data import (
    class_counts,
    data,
    duplicates_found,
    samples_of_classes,
    samples_of_each,
    splits,
    without_copies,
)
from tests.report.readings import closed, dataset, reading


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


def test_the_images_of_each_class_stand_in_a_table_that_can_be_sorted():
    images = dataset()
    images.source.test.labels[:] = [0] * 7 + [1] * 3 + [2] * 2
    table = splits(images)[-1]
    assert table.header == ("number", "class", "train", "validation", "test")
    assert table.folded == "Images of each of the 3 classes"
    assert table.rows == [
        ["0", images.class_names[0], "3", "1", "7"],
        ["1", images.class_names[1], "3", "1", "3"],
        ["2", images.class_names[2], "3", "1", "2"],
    ]
    held_out = replace(images, val_indices=np.arange(0))
    assert splits(held_out)[-1].header == ("number", "class", "train", "test")


def test_a_test_image_that_was_trained_on_is_named():
    assert duplicates_found(dataset()) == [
        '1 test image is an exact copy of an image trained on: test/5"><i> = train/7.'
    ]


def test_a_copy_with_another_label_is_named_with_both_labels_and_splits():
    images = dataset()
    names = images.class_names
    images.source.test.labels[5] = 2
    assert duplicates_found(images)[1] == (
        f"1 image has copies with different labels: train/7 ({names[1]}, train) = "
        f'test/5"><i> ({names[2]}, test).'
    )


def test_copies_are_told_by_split():
    images = dataset()
    train, test = images.source.train, images.source.test
    train.images[10] = train.images[7]  # a validation image
    test.images[3] = train.images[11]  # another one
    train.labels[:], test.labels[:] = 0, 0
    assert duplicates_found(images) == [
        "1 validation image is an exact copy of an image trained on: train/10 = train/7.",
        '1 test image is an exact copy of an image trained on: test/5"><i> = train/7.',
        '2 test images are exact copies of validation images: test/5"><i> = train/10 and '
        'test/3"><i> = train/11.',
    ]


def test_a_copy_of_an_image_that_is_not_used_is_none():
    images = replace(dataset(), train_indices=np.arange(7))  # the original is row 7
    [sentence] = duplicates_found(images)
    assert sentence.startswith(
        "No test or validation image is an exact copy of an image trained on"
    )


def test_conflicts_within_the_training_images_are_named():
    images = dataset()
    images.source.test.images[5] = 0
    images.source.train.images[1] = images.source.train.images[0]
    assert duplicates_found(images)[1].startswith(
        "1 image has copies with different labels: train/0 ("
    )


def test_of_many_conflicts_five_are_named():
    images = dataset()
    images.source.test.images[:9] = images.source.train.images[:9]
    images.source.test.labels[:9] = (images.source.train.labels[:9] + 1) % 3
    copied, conflicts = duplicates_found(images)
    assert copied.endswith("and 4 more.")
    assert conflicts.startswith("9 images have copies with different labels")
    assert conflicts.endswith("and 4 more.")


def test_no_duplicates_are_said_to_be_none():
    images = dataset()
    images.source.test.images[5] = 0
    [sentence] = duplicates_found(images)
    assert sentence.startswith("No test or validation image is an exact copy")


def test_the_accuracy_without_copies_stands_beside_the_other():
    found = reading()
    right = found.right
    others = np.delete(right, 5)
    [block] = without_copies(found)
    assert block.text == (
        f"Test accuracy is {100 * right.mean():.2f} % on all 12 test images, and "
        f"{100 * others.mean():.2f} % on the 11 that are not exact copies of images trained on."
    )
    assert block.text in [b.text for b in data(found).blocks if b.kind == "text"]
    assert others.mean() != right.mean()


def test_while_the_test_set_is_closed_it_is_of_the_validation_images():
    images = dataset()
    images.source.train.images[9] = images.source.train.images[0]  # the first validation image
    [block] = without_copies(closed(dataset=images))
    assert block.text == (
        "Validation accuracy is 66.67 % on all 3 validation images, and 50.00 % on the 2 that are "
        "not exact copies of images trained on."
    )


def test_notes_of_the_source_are_told():
    images = dataset()
    images = replace(images, source=replace(images.source, notes=("val/ is the split",)))
    assert "Val/ is the split." in [block.text for block in splits(images) if block.kind == "text"]


def test_pictures_have_words():
    page = Page("", "", [], [data(reading())])
    names = {picture.name: picture.alt for picture in page.pictures()}
    assert list(names) == ["class_distribution", "label_errors", "samples", "augmented"]
    assert '<b>, cats & dogs and "quoted"' in names["samples"]


@pytest.mark.parametrize(
    ("classes", "each"), [(2, 8), (25, 8), (26, 4), (50, 4), (51, 2), (100, 2), (101, 1), (1000, 1)]
)
def test_rows_of_eight_hold_whole_classes_and_200_images_at_most(classes, each):
    assert samples_of_each(classes) == each


@pytest.mark.parametrize(
    ("classes", "shown"), [(30, "all 30"), (200, "all 200"), (201, "200 of 201")]
)
def test_samples_say_how_many_of_the_classes_they_show(classes, shown, titles):
    small, names = dataset(), tuple(f"c{n}" for n in range(classes))
    train = replace(
        small.source.train,
        images=small.source.train.images[[0]].repeat(classes, 0),
        labels=np.arange(classes),
        class_names=names,
        sample_ids=np.arange(classes).astype(str),
    )
    source = SourceImages(train, replace(small.source.test, class_names=names), "")
    few = replace(small, source=source, train_indices=np.arange(classes))
    ((picture,),) = [chart.pictures for chart in samples_of_classes(few)]
    assert picture.caption.endswith(f"Showing {shown} classes.")
    assert picture.alt.endswith("c19 and others.")
    assert titles == list(names[:200])


@pytest.mark.parametrize(("classes", "ranked"), [(25, False), (26, True)])
def test_many_classes_are_counted_in_the_order_of_their_images(classes, ranked):
    small, names = dataset(), tuple(f"c{n}" for n in range(classes))
    train = replace(small.source.train, class_names=names)
    source = replace(small.source, train=train, test=replace(small.source.test, class_names=names))
    chart = splits(replace(small, source=source))[-2]
    assert ("chart-class_distribution" in chart.html) == ranked
    assert ("bars-class_distribution" in chart.html) != ranked
    assert ("in the order of their number" in chart.pictures[0].caption) == ranked
    if ranked:
        read = json.loads(html.unescape(re.search(r'data-read="(.*?)"', chart.html)[1]))
        counts = [[int(each) for each in series["text"]] for series in read["panels"][0]]
        assert counts == [[3] * 3 + [0] * 23, [1] * 3 + [0] * 23, [4] * 3 + [0] * 23]
