"""What a report says of planted near-duplicates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cifar_lab.data.near_duplicates import NearDuplicates
from cifar_lab.report.blocks import Page, Section
from cifar_lab.report.sections import near_duplicates as section
from cifar_lab.report.sections.near_duplicates import (
    near_duplicates,
    near_duplicates_in_words,
    near_duplicates_of,
)
from tests.report.readings import CLASSES, closed, dataset, reading

#: Number of the first test image: 9 images are trained on, and then come 3 for validation.
TEST = 12


def pictures_of(blocks):
    return Page("", "", [], [Section("", blocks)]).pictures()


def none(reason: str = "") -> NearDuplicates:
    return found([], reason)


def found(pairs: list[tuple[int, int]], reason: str = "") -> NearDuplicates:
    """The pairs with correlations of 0.99, 0.98, …; the second one mirrored."""
    number = len(pairs)
    return NearDuplicates(
        np.asarray(pairs, np.int64).reshape(-1, 2),
        0.99 - np.arange(number) / 100,
        np.arange(number) == 1,
        reason,
    )


#: Labels are 0 1 2 0 1 2 … in training and validation, and 0 0 0 0 1 1 1 1 2 2 2 2 in the test.
PAIRS = found([(0, TEST), (1, TEST + 1), (0, 3), (9, TEST + 4), (2, 9)])


def test_images_are_counted_by_split():
    _, table, *_ = near_duplicates_of(dataset(), PAIRS)
    assert table.rows == [
        ["test", "train", "2", "16.67 %", "1"],
        ["validation", "train", "1", "33.33 %", "1"],
        ["test", "validation", "1", "8.33 %", "1"],
        ["train", "train", "2", "22.22 %", "0"],
    ]


def test_without_validation_images_there_are_no_rows_of_them():
    images = replace(dataset(), val_indices=np.arange(0))
    _, table, *_ = near_duplicates_of(images, PAIRS)
    assert [row[:3] for row in table.rows] == [["test", "train", "2"], ["train", "train", "2"]]
    assert near_duplicates_in_words(images, PAIRS) == [
        "test: 2 of 12 images have a near-duplicate in train",
        "train: 2 of 9 images have a near-duplicate in train",
    ]


def test_pairs_across_splits_are_shown_and_those_with_different_labels_once_more(titles):
    pictures = pictures_of(near_duplicates_of(dataset(), PAIRS))
    assert [picture.name for picture in pictures] == [
        "near_duplicates", "near_duplicates_with_different_labels",
    ]  # fmt: skip
    first = [title.split("\n")[0] for title in titles]
    assert first[:4] == [
        "0.99", "0.98, mirrored, labels differ", "0.96, labels differ", "0.95, labels differ",
    ]  # fmt: skip
    assert first[4:] == first[1:4]
    assert titles[0].split("\n")[1:] == ["train, <b> – test, <b>", "0", '0"><i>']
    assert "Showing all 4." in pictures[0].caption
    assert pictures[0].alt == (
        "4 pairs of near-duplicates side by side; the most similar: train/0 (<b>, train) and "
        'test/0"><i> (<b>, test).'
    )


def test_the_page_shows_the_same_with_words_as_text():
    html = str(near_duplicates_of(dataset(), PAIRS)[2].html)
    for words in ("0.98", "mirrored", "labels differ", "validation", "cats &amp; dogs"):
        assert words in html


def test_pairs_of_one_split_are_shown_where_there_are_no_others(titles):
    blocks = near_duplicates_of(dataset(), found([(0, 3)]))
    [picture] = pictures_of(blocks)
    assert "of the same split" in picture.caption
    assert len(titles) == 1


def test_of_many_pairs_some_are_shown_and_listed(monkeypatch, titles):
    monkeypatch.setattr(section, "SHOWN", 2)
    monkeypatch.setattr(section, "LISTED", 3)
    blocks = near_duplicates_of(dataset(), PAIRS)
    assert "Showing 2 of 4." in pictures_of(blocks)[0].caption
    table = blocks[-1]
    assert table.folded == "3 of 5 pairs of near-duplicates, those of different splits first"
    assert [row[-2:] for row in table.rows] == [["0.99", "no"], ["0.98", "yes"], ["0.96", "no"]]
    assert table.rows[1][:6] == [
        "train/1", "train", CLASSES[1], 'test/1"><i>', "test", CLASSES[0],
    ]  # fmt: skip


def test_the_reason_for_not_looking_is_told():
    [told] = near_duplicates_of(dataset(), none("they are few"))
    assert told.text == "Near-duplicates were not looked for: they are few."
    assert near_duplicates_in_words(dataset(), none("they are few")) == [
        "near-duplicates were not looked for: they are few"
    ]


def test_no_near_duplicates_are_said_to_be_none():
    assert near_duplicates_of(dataset(), none())[1].text == (
        "No two of the images are near-duplicates."
    )


def test_the_accuracy_without_them_stands_beside_that_with_them():
    run = reading(near_duplicates=PAIRS)
    seen, right = np.arange(12) < 2, run.right
    assert near_duplicates(run)[-1].text == (
        f"Test accuracy is {100 * right[~seen].mean():.2f} % on the 10 test images without a "
        f"near-duplicate among the images trained on, and {100 * right[seen].mean():.2f} % on the "
        "2 with one."
    )


def test_while_the_test_set_is_closed_it_is_of_the_validation_images():
    told = near_duplicates(closed(near_duplicates=PAIRS))[-1].text
    assert told.startswith("Validation accuracy is 50.00 % on the 2 validation images without")


def test_what_could_not_be_looked_for_is_left_out():
    assert near_duplicates(reading()) == []


def test_pairs_that_do_not_fit_the_data_cost_only_themselves():
    blocks = near_duplicates(reading(near_duplicates=found([(0, 999)])))
    assert all(block.kind == "text" and block.warning for block in blocks)
    assert blocks
