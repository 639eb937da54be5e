"""Bins of a chart: their histogram by hand, and what the cursor reads of each."""

from __future__ import annotations

import html
import json
import re

import pytest

from cifar_lab.report.charts import svg
from cifar_lab.report.charts.histogram import FOOT, histogram
from cifar_lab.report.charts.plot import BLUE, Axis, Counts, Panel, Plot, Series

NAN = float("nan")
COUNTS = Counts("images", [0, 30, 1000])
#: Three bins of a quantity from 0 to 6; the first one is empty.
PLOT = Plot(
    x=Axis(label="confidence: of something (%)", low=0, high=6, digits=".1f"),
    panels=[
        Panel(
            Axis(label="accuracy (%)", low=0, high=100, digits=".1f"),
            [
                Series(name="perfect", x=(0, 6), y=(0, 100), colour=BLUE, dense=True,
                       background=True),
                Series(name="accuracy", x=[1, 3.5, 5.4], y=[NAN, 50, 80], colour=BLUE, marker="o",
                       band=([NAN, 20, 75], [NAN, 80, 85]), whiskers=True,
                       told=["–", "50.0 % (20.0 to 80.0)", "80.0 % (75.0 to 85.0)"]),
            ],
            COUNTS,
        )
    ],
    bins=(0, 2, 4, 6),
)  # fmt: skip


def test_bars_begin_at_0_and_have_lengths_like_the_counts():
    found = histogram(PLOT, COUNTS)
    (left, width, low), (_, _, high) = found.bars
    assert (left, width) == pytest.approx((1 / 3, 1 / 3))
    assert high / low == pytest.approx(1000 / 30)
    assert found.ticks == [(0, "0"), (FOOT, "1,000")]
    assert high == pytest.approx(FOOT)
    assert histogram(PLOT, None) is None
    full = histogram(PLOT, Counts("images", [500, 600, 1000]))
    assert [height for _, _, height in full.bars] == pytest.approx([FOOT / 2, 0.6 * FOOT, FOOT])


def test_the_bars_stand_on_the_foot_of_the_panel():
    bars = re.findall(
        r'<rect class="count" x="([\d.]+)%" width="([\d.]+)%" y="([\d.]+)" height="([\d.]+)"',
        str(svg.chart(PLOT, "c", "alt", "caption")),
    )
    places = [tuple(map(float, bar)) for bar in bars]
    assert [(x, width) for x, width, _, _ in places] == [(33.333, 33.333), (66.667, 33.333)]
    assert [y + height for _, _, y, height in places] == pytest.approx([150, 150])


def test_the_cursor_stops_at_every_bin_and_reads_what_lies_in_it():
    text = str(svg.chart(PLOT, "c", "alt", "caption"))
    found = json.loads(html.unescape(re.search(r'data-read="([^"]*)"', text)[1]))
    assert found["x"] == pytest.approx([100 / 6, 50, 500 / 6], abs=1e-3)
    assert found["at"] == [
        "confidence 0.0 to 2.0", "confidence 2.0 to 4.0", "confidence 4.0 to 6.0",
    ]  # fmt: skip
    accuracy, images = found["panels"][0]
    assert accuracy["text"] == ["–", "50.0 % (20.0 to 80.0)", "80.0 % (75.0 to 85.0)"]
    assert accuracy["x"][1:] == pytest.approx([100 * 3.5 / 6, 90], abs=1e-3)  # not the centres
    assert accuracy["y"][0] == [None, 75, 30]
    assert images["text"] == ["0", "30", "1,000"]


def test_intervals_are_lines_at_the_values():
    text = str(svg.chart(PLOT, "c", "alt", "caption"))
    assert re.findall(r'class="whisker" x1="([\d.]+)%" x2="[\d.]+%" y1="([\d.]+)" y2="([\d.]+)"',
                      text) == [("58.33", "30.0", "120.0"), ("90.00", "22.5", "37.5")]  # fmt: skip
