"""Charts of a search, checked by the data in their axes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.report.figures import history as figures
from tests.report.figures.lettered import overlaps


def test_trials_are_points_below_the_best_so_far(drawn):
    figures.search_history([90.0, 92.0, 91.0, 93.0], ["done"] * 4)
    points, best = drawn[0].axes[0].lines
    assert (points.get_xdata().tolist(), points.get_ydata().tolist()) == (
        [0, 1, 2, 3], [90, 92, 91, 93],
    )  # fmt: skip
    assert best.get_ydata().tolist() == [90, 92, 92, 93]
    assert best.get_drawstyle() == "steps-post"
    assert legend(drawn[0]) == ["trial", "best so far"]


def test_trials_without_a_value_are_marked_at_the_bottom_by_what_became_of_them(drawn):
    values = [None, 92.0, 99.0, math.nan, None, 91.0]
    states = ["failed", "done", "pruned", "done", "running", "complete"]
    figures.search_history(values, states)
    axes = drawn[0].axes[0]
    assert axes.lines[0].get_xdata().tolist() == [1, 5]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [np.nan, 92, 92, 92, 92, 92])
    marked = {line.get_label(): list(line.get_xdata()) for line in axes.lines[2:]}
    assert marked == {"failed (1)": [0], "pruned (1)": [2], "no value (2)": [3, 4]}
    assert len({line.get_marker() for line in axes.lines}) == 5  # the step line has none
    low = axes.transAxes.transform((0, 0.04))[1]
    for line in axes.lines[2:]:
        assert line.get_transform().transform((1, line.get_ydata()[0]))[1] == pytest.approx(low)
    lowest = axes.transData.transform((1, 91))[1]
    assert lowest > low + 10


def test_a_search_without_a_value_says_nothing_of_values(drawn):
    figures.search_history([None, None], ["failed", "$x$"])
    axes = drawn[0].axes[0]
    assert axes.get_yticks().size == 0
    assert legend(drawn[0]) == ["failed (1)", "no value (1)"]


@pytest.mark.parametrize("count", [1, 2, 300])
@pytest.mark.parametrize("spread", [0, 1e-7, 5])
def test_any_number_of_trials_has_whole_numbers_and_no_text_covers_another(drawn, count, spread):
    values = [90 + spread * (n % 3) for n in range(count)]
    figures.search_history(values, ["done"] * count, label="accuracy ($x$)")
    axes = drawn[0].axes[0]
    assert all(tick == round(tick) for tick in axes.get_xticks())
    assert overlaps(drawn[0]) == []
    assert axes.get_ylabel() == "accuracy ($x$)"


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
