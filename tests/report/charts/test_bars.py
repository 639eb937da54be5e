"""Bars are as long as the counts beside them say, and their names are text."""

from __future__ import annotations

import re

from cifar_lab.report.charts.bars import bars

COUNTS = {"train": [10, 5_000], "test": [0, 1_250]}


def test_bars_are_in_proportion_from_zero_on_one_scale():
    html = bars(COUNTS, ["<b>", "قطة"], "class", "x", "of all", "caption")
    widths = [float(width) for width in re.findall(r'<rect class="c\d" width="([\d.]+)%"', html)]
    assert widths == [0.2, 0.0, 100.0, 25.0]
    colours = re.findall(r'<rect class="c(\d)"', html)
    assert colours == ["0", "1", "0", "1"]


def test_every_count_stands_beside_its_bar():
    html = bars(COUNTS, ["<b>", "قطة"], "class", "x", "of all", "caption")
    rows = re.findall(r'scope="row">(.*?)</th>.*?<td>(.*?)</td><td>(.*?)</td></tr>', html)
    assert rows == [("&lt;b&gt;", "10", "0"), ("<bdi>قطة</bdi>", "5,000", "1,250")]


def test_without_any_image_no_bar_is_drawn():
    html = bars({"train": [0, 0]}, ["a", "b"], "class", "x", "none", "caption")
    assert re.findall(r'width="([\d.]+)%" height="5"', html) == ["0.00", "0.00"]
