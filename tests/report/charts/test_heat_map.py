"""The heat map as an HTML table: depths by hand, the best in words, everything escaped."""

from __future__ import annotations

import math
import re

import numpy as np

from cifar_lab.report.charts.heat_map import Grid, cells, heat_map
from tests.report.charts.test_svg import HOSTILE

GRID = Grid("lr", HOSTILE, ["1", "2"], ["a", "b"], np.array([[90.0, 92.0], [math.nan, 91.0]]),
            np.array([[2, 3], [0, 3]]))  # fmt: skip


def html(grid: Grid = GRID) -> str:
    return str(heat_map(grid, "g", HOSTILE, HOSTILE))


def test_the_higher_a_mean_the_deeper_its_cell():
    (low, high), (missing, middle) = cells(GRID)
    assert (low.depth, high.depth, middle.depth) == (0, 1, 0.5)
    assert (missing.mean, missing.depth) == (None, 0)
    assert [each.best for each in (low, high, missing, middle)] == [False, True, False, False]


def test_every_number_is_written_and_the_best_is_said_in_words():
    text = html()
    assert re.findall(r'--depth: [\d.]+">([\d.–]+)', text) == ["90.00", "92.00", "–", "91.00"]
    assert text.count("<small>best</small>") == 1
    assert "n = 2" in text  # as the numbers of runs differ
    assert "<b>" not in text


def test_equal_and_missing_means_have_a_table():
    equal = Grid("a", "b", ["1"], ["x", "y"], np.array([[5.0, 5.0]]), np.array([[1, 1]]))
    assert [each.depth for each in cells(equal)[0]] == [0, 0]
    nothing = Grid("a", "b", ["1"], ["x"], np.array([[math.nan]]), np.array([[0]]))
    assert "best" not in html(nothing).replace("heat", "")
