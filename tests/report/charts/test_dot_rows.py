"""The table of dots: positions by hand, words escaped, complete without script."""

from __future__ import annotations

import re

import pytest

from cifar_lab.report.charts import dot_rows
from cifar_lab.report.charts.dots import Dot, Group
from cifar_lab.report.charts.plot import Axis, Marked
from tests.report.charts.test_dots import NAN, dots
from tests.report.charts.test_svg import HOSTILE

ROW = Dot(name=HOSTILE, value=25, low=-50, high=50, runs=[0, 50], reference=100,
          shown=(HOSTILE,), told=f"told {HOSTILE}")  # fmt: skip


def html(*rows: Dot, **changes) -> str:
    return str(dot_rows.chart(dots(*rows, **changes), "d", HOSTILE, HOSTILE))


def test_values_lie_where_they_belong():
    text = html(ROW)
    assert re.findall(r'class="dot c0" cx="([\d.]+)%"', text) == ["25.00"]
    assert re.findall(r'class="run c0" cx="([\d.]+)%"', text) == ["0.00", "50.00"]
    assert re.findall(r'<svg x="([\d.]+)%"', text) == ["100.00"]


def test_an_interval_is_cut_off_where_the_quantity_ends():
    assert re.findall(r'line c0" x1="([\d.]+)%" x2="([\d.]+)%"', html(ROW)) == [("0.00", "50.00")]


def test_what_is_not_there_is_not_drawn():
    text = html(Dot(name="a", value=NAN, shown=("–",), told="a: no result."))
    assert "<circle" not in text
    assert "–" in text


@pytest.mark.parametrize("where", ["data-told=", "<figcaption>", "aria-label="])
def test_words_of_users_are_escaped(where):
    text = html(ROW, groups=[Group(HOSTILE, [ROW])], names=HOSTILE, heads=(HOSTILE,),
                axis=Axis(label=HOSTILE), marked=[Marked(0, HOSTILE)])  # fmt: skip
    assert where in text
    assert "<b>" not in text
    assert text.count("</svg>") == text.count("<svg")


def test_rows_are_a_table_with_names_as_their_headers():
    text = html(ROW, groups=[Group("first", [ROW]), Group("second", [ROW, ROW])])
    assert len(re.findall(r'scope="rowgroup"', text)) == 2
    assert len(re.findall(r'scope="row"', text)) == 3
    assert "cell" not in html(ROW).partition("<thead>")[0]


@pytest.mark.parametrize(("name", "short"), [("n" * 21, True), ("n" * 22, False)])
def test_short_names_stay_beside_their_drawing_on_phones(name, short):
    text = html(Dot(name=name, value=1, shown=("12.34",), told=""))
    assert ('class="dots short"' in text) == short
