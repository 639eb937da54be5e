"""The chart of an ablation, checked by the data in its axes."""

from __future__ import annotations

import math

import pytest

from cifar_lab.report.figures import ablation as figures
from tests.report.figures.lettered import overlaps, words

NAN = math.nan


def test_each_row_has_its_point_its_interval_and_its_value(drawn):
    figures.costs(["cutout", "flip"], [-0.214, 1.5], [-0.4, 1.0], [0.1, 2.0])
    (axes,) = drawn[0].axes
    zero, *lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert zero[0] == [0, 0]
    assert lines == [
        ([-0.4, 0.1], [0, 0]), ([-0.214], [0]), ([1.0, 2.0], [1, 1]), ([1.5], [1]),
    ]  # fmt: skip
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cutout", "flip"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first is at the top
    assert {"−0.21", "+1.50"} <= set(words(drawn[0]))


def test_a_point_is_hollow_if_its_interval_includes_zero(drawn):
    figures.costs(list("abc"), [-1, 1, 0], [-2, -1, 0], [-0.5, 2, 0])
    points = [line for line in drawn[0].axes[0].lines if line.get_marker() == "o"]
    assert [point.get_markerfacecolor() for point in points] == [figures.BLUE, "white", "white"]
    assert legend(drawn[0]) == ["95 % interval excludes 0", "95 % interval includes 0"]


def test_without_an_interval_there_is_a_point_alone_and_without_a_result_words(drawn):
    figures.costs(["a", "b"], [0.4, NAN], [NAN, NAN], [NAN, NAN])
    axes = drawn[0].axes[0]
    assert [line.get_marker() for line in axes.lines[1:]] == ["D"]
    assert legend(drawn[0]) == ["no interval"]
    assert "no result" in words(drawn[0])


def test_nothing_known_has_no_legend(drawn):
    figures.costs(["a"], [NAN], [NAN], [NAN])
    assert drawn[0].axes[0].get_legend() is None


@pytest.mark.parametrize(
    ("name", "count", "scale"),
    [("a", 1, 0), ("$x$", 1, 90), ("n" * 80, 1, 1), ("", 30, 1e-6), ("n" * 80, 30, 90)],
)
def test_no_text_covers_another(drawn, name, count, scale):
    middles = [scale * (n % 5 - 2) for n in range(count)]
    lows, highs = [each - scale for each in middles], [each + scale for each in middles]
    figures.costs([name] * count, middles, lows, highs)
    assert overlaps(drawn[0]) == []
    assert "−0.00" not in words(drawn[0])


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
