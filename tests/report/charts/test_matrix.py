"""The confusion matrix of a page: its numbers, its colours and its names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from cifar_lab.report.charts.matrix import DEEPEST, confusion_matrix, laid_out

MATRIX = np.array([[8, 2, 0], [1, 9, 0], [0, 5, 5]])
NAMES = ("cat", "<dog>", "frog & co")


def test_only_confusions_have_the_deepest_colours():
    cells = {(c.row, c.column): c for c in laid_out(MATRIX, NAMES).cells}
    assert set(cells) == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2)}
    assert cells[2, 1].opacity == pytest.approx(DEEPEST)  # half of the frogs, the largest share
    assert cells[0, 1].opacity == pytest.approx(DEEPEST * 0.2 / 0.5)
    assert cells[1, 1].opacity < 0.3


def test_each_cell_has_its_share_and_its_number_at_its_place():
    html = str(confusion_matrix(MATRIX, NAMES, [0, 2, 1], 'alt <">', "c"))
    figure = ET.fromstring(re.sub(r" (hidden|data-order|data-zoom)(?=[ >])", "", html))
    cells = {each.get("data-at"): each for each in figure.iter("g") if each.get("data-at")}
    assert [text.text for text in cells["2 1"].iter("text")] == ["50.0", "5"]
    assert cells["2 1"].get("transform") == "translate(46 92)"
    names = [each.find("text").text for each in figure.iter("g") if each.get("data-row")]
    assert names == list(NAMES)
    (text,) = figure.iter("desc")
    assert text.text == 'alt <">'


def test_digits_are_never_turned():
    digits = confusion_matrix(np.eye(10, dtype=int), [str(n) for n in range(10)], range(10), "", "")
    assert str(digits).count("rotate(") == 1  # the words “true class”
    numbers = laid_out(np.eye(300, dtype=int), [f"class {n}" for n in range(300)])
    assert not numbers.upright
    assert [name for name in numbers.names if name][:3] == ["0", "10", "20"]


def test_the_names_of_a_hundred_classes_fit():
    laid = laid_out(np.eye(100, dtype=int), [f"quite a long name, number {n}" for n in range(100)])
    assert laid.upright
    assert not laid.counted
    assert laid.side > laid.size
    assert laid.left < 200


def test_a_matrix_without_confusions_or_images_is_drawn():
    for matrix in (np.eye(3, dtype=int), np.zeros((3, 3), int)):
        assert "</svg>" in confusion_matrix(matrix, NAMES, range(3), "a", "c")
