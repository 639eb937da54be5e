"""Curves of configurations as data: means and bands by hand, and what a reader's cursor reads."""

from __future__ import annotations

import math
import re

import pytest

from cifar_lab.report.charts import svg
from cifar_lab.report.charts.curves import Curve, bands, told_of, validation
from cifar_lab.report.charts.plot import GREY

NAN = float("nan")


def curve(name: str, *runs: list[float]) -> Curve:
    return Curve(name, [1, 2], runs)


def test_lines_are_means_and_bands_are_one_sample_deviation():
    # 0.2, 0.4 and 0.6 have the mean 0.4 and the sample deviation 0.2.
    accuracy = curve("a", [0.2, 0.5], [0.4, 0.5], [0.6, 0.5])
    (series,) = validation([accuracy], [curve("a", [3.0, 1.0], [1.0, 1.0])]).panels[1].series
    assert series.y == pytest.approx([40, 50])
    assert series.band is not None
    assert series.band[0] == pytest.approx([20, 50])
    assert series.band[1] == pytest.approx([60, 50])


def test_of_two_seeds_the_band_has_both_as_its_edges():
    plot = validation([curve("a", [0.2, 0.5])], [curve("a", [3.0, 1.0], [1.0, 1.0])])
    (loss,), (accuracy,) = (panel.series for panel in plot.panels)
    assert loss.band == ([1.0, 1.0], [3.0, 1.0])
    assert accuracy.band is None  # a single run has no spread
    assert bands([curve("a", [0.2, 0.5])]) == ""


def test_beyond_a_dozen_the_lower_ones_lie_grey_behind_and_are_not_read():
    curves = [curve(f"c{n}", [0.0, n / 20]) for n in range(13)]
    plot = validation(curves, curves)
    grey = [each for each in plot.panels[1].series if each.background]
    assert len(grey) == 5
    assert {each.colour for each in grey} == {GREY}
    assert {each.name for each in grey} == {"the other 5"}
    html = str(svg.chart(plot, "c", "alt", "caption"))
    table = html[html.index("reading") :]
    assert re.findall(r'<tr data-row="([^"]+)"', table) == [
        "the other 5", *(f"c{n}" for n in range(5, 13)),
    ]  # fmt: skip
    assert 'data-series="c4"' not in html


def test_the_table_reads_the_last_epoch_without_script():
    curves = [curve(name, [0.1, value]) for name, value in (("a", 0.5), ("b", 0.7), ("c", NAN))]
    html = str(svg.chart(validation(curves, curves), "c", "alt", "caption"))
    assert ">epoch 2</th>" in html
    assert re.findall(r"<td>([^<]*)</td>", html) == [
        "0.5000", "50.00", "0.7000", "70.00", "–", "–",
    ]  # fmt: skip


def test_the_words_name_the_highest_mean_and_its_epoch():
    curves = [curve("a", [0.9, 0.2], [0.5, 0.2]), curve("b", [0.1, 0.71], [0.1, 0.71])]
    assert told_of(curves) == (
        "The highest validation accuracy at any epoch, the mean of 2 seeds, is 71.00 %: b at "
        "epoch 2."
    )
    assert "No configuration" in told_of([curve("a", [math.inf, NAN])])
