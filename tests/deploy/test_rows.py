"""Rows read again by the readers of their formats."""

from __future__ import annotations

import csv
import io
import json
import os

import numpy as np
import pytest

from cifar_lab.deploy.predicting import Answers
from cifar_lab.deploy.rows import FORMATS, Layout, Table

CLASSES = ("ant", "bee, honey", "cat")
LOGITS = np.log(np.asarray([[1, 2, 1], [6, 1, 3]], dtype=np.float32))
NAMES = ('a "b",\nc.png', os.fsdecode(b"\xff.png"))
BATCH = Answers(NAMES, np.zeros((2, 8, 8, 3), np.uint8), LOGITS, np.asarray([True, False]))


def text_of(kind: str, *batches: Answers, top: int = 2, logits: bool = False) -> str:
    rows = FORMATS[kind](Layout(CLASSES, top, logits, widest=12, typical=2000))
    return rows.begin() + "".join(map(rows.rows, batches)) + rows.end()


def test_json_is_one_array_of_all_batches():
    text = text_of("json", BATCH, BATCH, logits=True)
    text.encode()
    found = json.loads(text)
    assert [row["image"] for row in found] == [*NAMES, *NAMES]
    assert [row["predicted"] for row in found[:2]] == ["bee, honey", "ant"]
    assert [row["far"] for row in found[:2]] == [True, False]
    assert list(found[0]["probabilities"]) == ["bee, honey", "ant"]  # of equal ones, the first
    assert found[0]["probabilities"] == pytest.approx({"bee, honey": 0.5, "ant": 0.25})
    assert found[1]["probabilities"] == pytest.approx({"ant": 0.6, "cat": 0.3})
    again = np.asarray([row["logits"] for row in found[:2]], dtype=np.float32)
    np.testing.assert_array_equal(again, LOGITS)


def test_csv_has_a_row_for_each_image():
    text = text_of("csv", BATCH, BATCH, logits=True)
    text.encode()
    header, *rows = csv.reader(io.StringIO(text))
    assert header == [
        "image", "class_1", "probability_1", "class_2", "probability_2", "far", "logit_ant",
        "logit_bee, honey", "logit_cat",
    ]  # fmt: skip
    assert len(rows) == 4
    assert (rows[0][0], rows[1][0]) == (NAMES[0], r"\udcff.png")
    assert rows[0][1:6:2] == ["bee, honey", "ant", "true"]
    assert [float(rows[1][n]) for n in (2, 4)] == pytest.approx([0.6, 0.3])
    assert np.asarray(rows[1][6:], dtype=np.float32).tolist() == LOGITS[1].tolist()


def test_a_table_has_a_line_for_each_image_and_says_what_is_far():
    assert text_of("table", BATCH) == (
        "  image         1.                     2.\n"
        '* a "b",\\nc.png  bee, honey (50.00 %)   ant (25.00 %)\n'
        "  \\udcff.png    ant (60.00 %)          cat (30.00 %)\n"
        "\n* far from the images in training: its energy is above that of 99 % of the 2,000 "
        "validation images. This is a hint only.\n"
    )
    unknown = BATCH._replace(far=None)
    assert "*" not in text_of("table", unknown)
    assert [row["far"] for row in json.loads(text_of("json", unknown))] == [None, None]
    assert [row[-1] for row in csv.reader(io.StringIO(text_of("csv", unknown)))][1:] == ["", ""]


def test_no_name_of_a_class_controls_the_terminal():
    layout = Layout(("\x1b[2Jant", "bee", "cat"), 3, False, 5, 9)
    table = Table(layout)
    assert "\\x1b[2Jant (" in table.begin() + table.rows(BATCH)
    assert (table.begin() + table.rows(BATCH)).replace("\n", "").isprintable()


def test_more_classes_than_there_are_are_all():
    assert len(json.loads(text_of("json", BATCH, top=9))[0]["probabilities"]) == 3
    header, *rows = csv.reader(io.StringIO(text_of("csv", BATCH, top=9)))
    assert {len(row) for row in rows} == {len(header)} == {8}
    assert "3." in text_of("table", BATCH, top=9)
    assert "4." not in text_of("table", BATCH, top=9)


def test_a_network_that_diverged_gives_json():
    wrong = BATCH._replace(logits=np.full((2, 3), np.nan, np.float32))
    found = json.loads(text_of("json", wrong, logits=True), parse_constant=pytest.fail)
    assert found[0]["probabilities"] == {"ant": None, "bee, honey": None}
    assert found[0]["logits"] == [None] * 3
