"""Looks and legends of several configurations, checked against what can be told apart."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from cifar_lab.report.charts.looks import NAMED
from cifar_lab.report.figures.configurations import (
    draw_legend,
    legend,
    look,
    looks,
    note,
    sample,
)
from tests.report.figures.lettered import overlaps, words


def test_a_dozen_looks_are_told_apart_without_their_colours():
    found = [look(place) for place in range(NAMED)]
    assert len({each.marker for each in found}) == NAMED
    assert len({each.style for each in found}) == 4
    assert len({each.colour for each in found}) == 7


def test_looks_are_dark_enough_for_white_paper():
    for place in range(NAMED):
        red, green, blue = (int(look(place).colour[n : n + 2], 16) for n in (1, 3, 5))
        assert 0.2126 * red + 0.7152 * green + 0.0722 * blue < 180  # ITU-R BT.709


def test_those_that_were_not_chosen_have_no_look():
    assert looks(4, [1, 3]) == [None, look(0), None, look(1)]
    assert sample(None).get_color() == "#999999"
    assert sample(look(1)).get_marker() == look(1).marker


@pytest.mark.parametrize(
    ("length", "columns"), [(4, 4), (20, 4), (30, 3), (50, 2), (80, 1), (300, 1)]
)
def test_names_stay_whole_as_long_as_a_column_has_room(length, columns):
    laid = legend(["n" * length, "$x$"], room=9.5)
    assert laid.columns <= columns
    assert (laid.labels[0] == "n" * length) == (length < 300)
    assert laid.labels[1] == "$x$"


@pytest.mark.parametrize("length", [3, 40, 400])
@pytest.mark.parametrize("count", [1, 5, 12])
def test_a_legend_is_as_high_as_was_laid_out_and_nothing_overlaps(length, count):
    names = [f"{n}{'m' * length}" for n in range(count)]
    laid = legend(names, 8.0, ["the other 3"])
    figure = Figure(figsize=(9, laid.height + 0.3))
    draw_legend(figure, laid, [*(sample(look(n)) for n in range(count)), sample(None)], 0.8, 0.25)
    note(figure, "a note", 0.9, 0.05)
    box = figure.legends[0].get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    assert 0.79 < box.x0 < box.x1 <= 9
    assert box.y1 <= laid.height + 0.25
    assert len(words(figure)) == count + 2
    assert overlaps(figure) == []


def test_names_that_no_font_can_draw_are_numbered_from_one():
    assert legend(["a", "", "\ue000"], 8.0).labels == ["a", "configuration 2", "configuration 3"]


def test_no_configuration_has_no_legend():
    figure = Figure()
    draw_legend(figure, legend([], 8.0), [], 0, 0)
    assert figure.legends == []
