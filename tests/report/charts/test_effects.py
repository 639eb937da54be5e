"""Effects, differences and importances as data: values and words by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from cifar_lab.report.charts.effects import (
    by_class,
    differences,
    effects,
    importances,
    largest_effect,
)

NAN = math.nan


@dataclass(frozen=True)
class Level:
    value: str
    mean: float
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True)
class Factor:
    key: str
    levels: tuple[Level, ...]
    balanced: bool = True


LR = Factor("lr", (Level("1", 91, 90, 91.5), Level("0.01", 92, 91, 94), Level("0.1", 93)))
MODEL = Factor("model", (Level("b", 90, 89, 91), Level("a", 95, 94, 96)), balanced=False)


def test_numbers_lie_in_numeric_order_and_words_as_given():
    lr, model = effects([LR, MODEL]).groups
    assert [(dot.name, dot.value) for dot in lr.dots] == [("0.01", 92), ("0.1", 93), ("1", 91)]
    assert [dot.name for dot in model.dots] == ["b", "a"]
    assert (lr.title, model.title) == ("lr", "model")


def test_means_that_may_reflect_other_settings_are_hollow():
    chart = effects([LR, MODEL])
    assert [dot.hollow for dot in chart.dots()] == [False] * 3 + [True] * 2
    assert [part for part, _ in chart.explained()] == ["dot", "hollow", "interval"]
    assert "hollow" not in dict(effects([LR]).explained())


def test_a_level_is_told_with_its_interval_if_it_has_one():
    told = [dot.told for dot in effects([LR]).dots()]
    assert told[:2] == ["lr=0.01: mean 92.00; 95 % interval 91.00 to 94.00.", "lr=0.1: mean 93.00."]


def test_the_largest_effect_is_that_of_the_means_furthest_apart():
    assert largest_effect([LR, MODEL]) == (
        "The largest effect is that of model: 95.00 % with a, 5.00 points above b."
    )


def test_a_difference_is_hollow_unless_its_interval_excludes_zero():
    chart = differences(
        ["a", "b", "c", "d", "e"], [-1, 1, 2, 3, NAN], [-2, -1, NAN, 0.5, NAN],
        [-0.5, 3, NAN, 5.5, NAN], "without",
    )  # fmt: skip
    assert [dot.hollow for dot in chart.dots()] == [False, True, True, False, True]
    assert [dot.shown for dot in chart.dots()] == [
        ("−1.00", "−2.00 to −0.50"), ("+1.00", "−1.00 to +3.00"), ("+2.00", "–"),
        ("+3.00", "+0.50 to +5.50"), ("no result", "–"),
    ]  # fmt: skip
    assert [each.x for each in chart.marked] == [0]
    assert chart.dots()[0].told == "a: −1.00; 95 % interval −2.00 to −0.50."


def test_classes_have_a_line_from_zero_and_a_group_for_each_configuration():
    chart = by_class(["cat", "dog"], np.array([[-2.0, 3.0], [NAN, 1.0]]), ["a", "b"])
    first, second = chart.groups
    assert [(dot.low, dot.high) for dot in first.dots] == [(-2, 0), (0, 3)]
    assert second.dots[0].parts() == set()
    assert second.dots[1].told == "b, dog: +1.0 points."
    assert by_class(["cat"], np.array([[1.0]]), ["a"]).groups[0].title == ""


def test_importances_are_lines_from_zero_with_the_most_important_on_top():
    dots = importances([("a", 0.2), ("b", 0.7), ("c", NAN)]).dots()
    assert [dot.name for dot in dots] == ["b", "a", "c"]
    assert (dots[0].low, dots[0].value) == (0, pytest.approx(70))
    assert [dot.told for dot in dots] == ["b: 70 %.", "a: 20 %.", "c: unknown."]
