"""The sections about predictions against hand-counted cases."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from cifar_lab.data.arrays import ImageArrays, SourceImages
from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.errors import errors
from cifar_lab.report.sections.predictions import classes, confusions
from tests.report.readings import closed, dataset, reading


def test_each_class_has_its_row_in_the_order_of_the_labels():
    _, table = classes(reading()).blocks
    # Class 0: 3 of 4 images, all 3 predictions correct; 1: all 4, of 7 predictions; 2: 2 of 4,
    # both predictions correct.
    assert [row[:3] for row in table.rows] == [
        ["<b>", "0", "4"], ["cats & dogs", "1", "4"], ['"quoted"', "2", "4"],
    ]  # fmt: skip
    assert [row[3].split(" (")[0] for row in table.rows] == ["100.0 %", "57.1 %", "100.0 %"]
    assert [row[4].split(" (")[0] for row in table.rows] == ["75.0 %", "100.0 %", "50.0 %"]
    assert [row[5] for row in table.rows] == ["85.7 %", "72.7 %", "66.7 %"]


def test_a_class_that_is_never_predicted_has_words_for_a_precision():
    logits = np.eye(3, dtype=np.float32)[[0] * 12]
    _, text, table = classes(reading(logits=logits)).blocks
    assert [row[3] for row in table.rows][1:] == ["not predicted once"] * 2
    assert text.text == ('Not predicted once, so without a precision: cats & dogs and "quoted".')


def of_classes(number: int) -> Reading:
    """Two test images of each class, all right but those of class 7, taken for class 8."""
    images, names = dataset(), tuple(f"c{n}" for n in range(number))
    labels = np.arange(2 * number) % number
    pixels = images.source.test.images[[0]].repeat(len(labels), 0)
    arrays = ImageArrays(pixels, labels, names, np.arange(len(labels)))
    source = SourceImages(dataclasses.replace(images.source.train, class_names=names), arrays, "")
    predicted = np.where(labels == 7, 8, labels)
    return reading(
        dataset=dataclasses.replace(images, source=source),
        logits=np.eye(number, dtype=np.float32)[predicted],
    )


def test_many_classes_are_told_from_the_lowest_recall_in_a_folded_table():
    chart, _, table = classes(of_classes(30)).blocks
    assert "Showing the 20 of 30 classes with the lowest recall." in chart.pictures[0].caption
    rows = re.findall(r'data-told="(c\d+): recall (\S+)', chart.html)
    assert rows[:2] == [("c7", "0.0"), ("c0", "100.0")]
    assert len(rows) == 20
    assert table.folded == "All 30 classes, with the lowest recall first"
    assert [row[:2] for row in table.rows[:3]] == [["c7", "7"], ["c0", "0"], ["c1", "1"]]
    assert len(table.rows) == 30


def test_the_least_recognised_class_is_named():
    assert 'lowest recall: "quoted"' in classes(reading()).blocks[0].pictures[0].alt


def test_confused_pairs_are_named_and_shown():
    chart, text, table, pictures = confusions(reading()).blocks
    (matrix,) = chart.pictures
    assert text.text == (
        'Most frequent confusions: "quoted" → cats & dogs (2), <b> → cats & dogs (1).'
    )
    assert [matrix.name, *(each.name for each in pictures.pictures)] == [
        "confusion",
        "confused_pairs",
    ]
    assert '<p class="name"><span>&#34;quoted&#34;</span>' in pictures.html
    assert table.rows == [['"quoted"', "cats & dogs", "2", "50.00 %"],
                          ["<b>", "cats & dogs", "1", "25.00 %"]]  # fmt: skip


@pytest.mark.parametrize(("number", "said"), [(120, False), (121, True)])
def test_numbers_in_place_of_names_are_said_to_be_those_of_the_table(number, said):
    (matrix,) = confusions(of_classes(number)).blocks[0].pictures
    assert ("Classes are numbered as in the table of classes." in matrix.caption) == said


def test_while_the_test_set_is_closed_everything_is_of_the_validation_images():
    found = closed()
    np.testing.assert_array_equal(found.matrix, [[1, 0, 0], [0, 0, 1], [0, 0, 1]])
    matrix, text, _, _ = confusions(found).blocks
    assert matrix.pictures[0].caption.startswith("Validation images by true class")
    assert text.text == 'Most frequent confusions: cats & dogs → "quoted" (1).'
    right = confusions(closed(predicted=(0, 1, 2))).blocks[1]
    assert right.text == "No validation image is misclassified."
    (error,) = found.errors
    assert found.evaluated.sample_ids[error.row] == "train/10"  # of the rows 9, 10 and 11
    said, _, table = errors(found, ReportMaps([], None)).blocks
    assert said.text.startswith("Showing all 1: the misclassified validation images")
    assert table.rows[0][0] == "train/10"
    every = errors(closed(predicted=(0, 1, 2)), ReportMaps([], None))
    assert every.blocks[0].text == "No validation image is misclassified."


def test_where_nothing_is_confused_there_are_no_pairs():
    right = reading()
    logits = np.eye(3, dtype=np.float32)[right.evaluated.labels]
    blocks = confusions(reading(logits=logits)).blocks
    assert blocks[-1].text == "No test image is misclassified."
