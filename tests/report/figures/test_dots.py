"""Dots as PNG: what is drawn, and that nothing is cut off."""

from __future__ import annotations

import pytest

from cifar_lab.report.charts.dots import Dot, Group
from cifar_lab.report.figures.dots import dots
from tests.report.charts.test_dots import NAN
from tests.report.charts.test_dots import dots as chart
from tests.report.figures.lettered import overlaps

ROWS = [
    Dot(name="a" * 60, value=25, low=-50, high=50, runs=[0, 50], shown=("25.00 ± 1.00",), told=""),
    Dot(name="b", value=75, hollow=True, reference=100, shown=("75.00",), told=""),
    Dot(name="c", value=NAN, shown=("–",), told=""),
]


def test_dots_lie_at_their_values_and_intervals_end_with_the_axis(drawn):
    dots(chart(*ROWS))
    (axes,) = drawn[0].axes
    lines = [tuple(line.get_xdata()) for line in axes.lines]
    assert lines == [(0, 50), (0, 50), (25,), (75,), (100,)]
    assert [text.get_text() for text in axes.texts] == ["mean", "25.00 ± 1.00", "75.00", "–"]
    assert not overlaps(drawn[0])


def test_groups_have_titles_in_bold(drawn):
    dots(chart(groups=[Group("first", ROWS[:1]), Group("second", ROWS[1:])]))
    ticks = drawn[0].axes[0].get_yticklabels()
    bold = [tick.get_text() for tick in ticks if tick.get_fontweight() == "bold"]
    assert bold == ["first", "second"]


@pytest.mark.parametrize("name", ["augmentation.train.color_jitter.brightness", "$x$" * 30])
@pytest.mark.parametrize("count", [1, 30])
def test_no_text_covers_another_whatever_the_names(drawn, name, count):
    rows = [Dot(name=f"{name}{n}", value=n, shown=(f"{n}.00",), told="") for n in range(count)]
    dots(chart(*rows))
    assert not overlaps(drawn[0])
