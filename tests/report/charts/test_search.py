"""Trials of a search as data: points, the best so far, and what ended early."""

from __future__ import annotations

import math

from cifar_lab.report.charts import svg
from cifar_lab.report.charts.plot import Axis
from cifar_lab.report.charts.search import by_level, by_number, history, numbers_of

AXIS = Axis(label="validation accuracy (%)", low=0, high=100, digits=".2f")
VALUES = [50.0, 70.0, None, 60.0, 65.0, 80.0]
STATES = ["done", "done", "failed", "done", "pruned", "done"]


def series():
    (panel,) = history(VALUES, STATES, AXIS).panels
    return {each.name: each for each in panel.series}


def test_trials_are_points_below_the_best_so_far():
    found = series()
    assert (found["trial"].x, found["trial"].y) == ([0, 1, 3, 5], [50, 70, 60, 80])
    best = found["best so far"]
    assert list(zip(best.x, best.y, strict=True)) == [
        (0, 50), (1, 50), (1, 70), (5, 70), (5, 80), (5, 80),
    ]  # fmt: skip


def test_what_was_not_trained_to_its_end_lies_at_the_bottom_with_what_became_of_it():
    found = series()
    assert (found["failed (1)"].x, found["failed (1)"].told) == ([2], ["failed"])
    assert (found["pruned (1)"].x, found["pruned (1)"].told) == ([4], ["pruned at 65.00"])
    assert list(found["failed (1)"].y) == [-math.inf]
    html = str(svg.chart(history(VALUES, STATES, AXIS), "c", "alt", "caption"))
    assert 'y="144.0"' in html  # 150 pixels less 6


def test_a_search_without_a_result_has_a_chart():
    (panel,) = history([None, None], ["failed", "running"], AXIS).panels
    assert [each.name for each in panel.series] == ["failed (1)", "running (1)"]


def test_numbers_that_span_decades_lie_on_a_logarithmic_axis():
    plot = by_number("lr", [0.1, 0.001, 0.01], [1.0, 2.0, 3.0], [5, 6, 7], AXIS)
    (points,) = plot.panels[0].series
    assert plot.x.log == "always"
    assert (points.x, points.y) == ([0.001, 0.01, 0.1], [2, 3, 1])
    assert points.told == ["2.00 (trial 6)", "3.00 (trial 7)", "1.00 (trial 5)"]
    assert by_number("w", [8, 16, 32], [1.0, 2.0, 3.0], [1, 2, 3], AXIS).x.log == "never"


def test_a_place_in_the_middle_of_two_decades_is_the_middle_of_the_axis():
    plot = by_number("lr", [0.001, 0.01, 0.1], [1.0, 2.0, 3.0], [1, 2, 3], AXIS)
    html = str(svg.chart(plot, "c", "alt", "caption"))
    assert 'cx="50.00%"' in html
    assert ">0.01</text>" in html


def test_words_are_rows_with_their_best_trial():
    chart = by_level("s", ["b", "a", "b"], [1.0, 2.0, 3.0], [4, 5, 6], AXIS)
    assert [(dot.name, dot.value, list(dot.runs)) for dot in chart.dots()] == [
        ("b", 3, [1, 3]), ("a", 2, [2]),
    ]  # fmt: skip
    assert chart.dots()[0].told == "s=b: best 3.00 (trial 6) of 2."


def test_a_few_numbers_and_words_are_rows():
    assert numbers_of(["1", "2", "3"]) == [1, 2, 3]
    assert numbers_of(["1", "2", "2"]) is None
    assert numbers_of(["1", "2", "3", "x"]) is None
