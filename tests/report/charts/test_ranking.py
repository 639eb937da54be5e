"""The ranking as data: values and words by hand."""

from __future__ import annotations

import pytest

from cifar_lab.report.charts.ranking import Ranked, ranking


def test_a_row_has_the_mean_its_interval_and_its_runs():
    chart = ranking([("", [Ranked("a", [90.0, 92.0], (88.0, 94.0), "the best")])])
    (dot,) = chart.dots()
    assert (dot.value, dot.low, dot.high, list(dot.runs)) == (91, 88, 94, [90, 92])
    assert dot.shown == ("91.00 ± 1.41", "the best")  # √2 by hand
    assert dot.told == (
        "a: 91.00 ± 1.41 %; 95 % interval of the mean 88.00 to 94.00 %; runs 90.00, 92.00; "
        "the best."
    )


def test_a_single_run_is_its_mean_and_nothing_else():
    (dot,) = ranking([("", [Ranked("a", [90.0], None)])]).dots()
    assert dot.parts() == {"dot"}
    assert dot.shown == ("90.00",)
    assert dot.told == "a: 90.00 %."


@pytest.mark.parametrize(("verdict", "heads"), [("", 1), ("lower", 2)])
def test_verdicts_have_a_column_if_there_are_any(verdict, heads):
    chart = ranking([("", [Ranked("a", [90.0], None, verdict)])])
    assert len(chart.heads) == heads
