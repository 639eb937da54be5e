"""Places of values along an axis, checked by hand."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from cifar_lab.report.figures.levels import draw_scales, in_order, number, scale
from tests.report.figures.lettered import overlaps, words


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1e-3", 0.001), ("-2", -2.0), ("null", None), ("nan", None), ("inf", None)],
)
def test_numbers_are_finite(value, expected):
    assert number(value) == expected


def test_numbers_are_in_numeric_order_and_words_as_given():
    assert in_order(["10", "9", "1e-3", "9"]) == ["1e-3", "9", "10"]
    assert in_order(["sgd", "null", "0.1", "adamw", "0.01"]) == [
        "0.01",
        "0.1",
        "sgd",
        "null",
        "adamw",
    ]
    assert in_order(["true", "false"]) == in_order(["false", "true"]) == ["false", "true"]
    assert in_order(["True", "false"]) == ["false", "True"]


def test_numbers_are_spaced_by_size_up_to_thirty_times_and_then_by_ratio():
    assert scale(["1", "30", "15.5"]).places == pytest.approx([0, 1, 0.5])
    assert scale(["0.001", "1", "0.01"]).places == pytest.approx([0, 1, 1 / 3])
    assert scale(["0", "100", "1"]).places == pytest.approx([0, 1, 0.01])


def test_words_are_equally_far_apart_and_a_single_value_is_in_the_middle():
    assert scale(["b", "a", "b", "c"]).places == [0, 0.5, 0, 1]
    assert scale(["0.1", "null", "0.2"]).places == [0, 1, 0.5]
    assert scale(["3", "3"]).ticks == [(0.5, "3")]
    assert scale([]).places == []


def test_few_numbers_are_ticks_and_many_have_round_ones():
    assert scale(["0.1", "1e-1", "0.3"]).ticks == [(0.0, "0.1"), (1.0, "0.3")]
    ticks = {text: place for place, text in scale([f"{n / 7}" for n in range(70)]).ticks}
    assert ticks["4"] == pytest.approx(28 / 69)
    powers = scale([f"{1.5**n * 1e-4}" for n in range(40)]).ticks
    assert [text for _, text in powers][:3] == ["0.0001", "0.001", "0.01"]
    assert all(0 <= place <= 1 for place, _ in powers)


def test_axes_are_drawn_with_ticks_that_do_not_overlap():
    figure = Figure(figsize=(9, 4))
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.75))
    scales = [scale([str(n) for n in range(40)]), scale([f"word{n}" for n in range(40)])]
    draw_scales(axes, scales, ["k" * 80, "$x$"], between=7.2, margin=0.9)
    assert overlaps(figure) == []
    shown = words(figure)
    assert "$x$" in shown
    assert any("…" in word for word in shown)
    assert 10 < sum(word.startswith("word") for word in shown) < 20
