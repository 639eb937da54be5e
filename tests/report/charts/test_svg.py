"""The SVG of a chart: its positions by hand, its words escaped, and complete without script."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from cifar_lab.report.charts import svg
from cifar_lab.report.charts.plot import BLUE, GREEN, Axis, Marked, Panel, Plot, Series, Unit
from cifar_lab.report.charts.values import table_of

NAN = float("nan")
HOSTILE = "<b>\"&'</svg>"


def plot(**changes) -> Plot:
    loss = Axis(label="loss (nats)", log="maybe", digits=".2f")
    series = [
        Series(name="train", x=[1, 2, 4], y=[2.0, 1.0, 0.0], colour=BLUE, marker="o"),
        Series(name=HOSTILE, x=[1, 2, 4], y=[1.5, NAN, 0.5], colour=GREEN, dash=(4, 2)),
    ]
    rate = Series(name="planned", x=[0, 4], y=[0.0, 4.0], colour=BLUE, dense=True)
    settings = {
        "x": Axis(label="epoch", low=0, high=4, whole=True),
        "panels": [Panel(loss, series), Panel(Axis(label="rate"), [rate])],
        "units": [Unit("epochs", 1, "epoch"), Unit("steps", 50, "step")],
        "marked": [Marked(2, "reported: epoch 2")],
    }
    return Plot(**settings | changes)


def html(**changes) -> str:
    return str(svg.chart(plot(**changes), "c", f"alternative {HOSTILE}", f"caption {HOSTILE}"))


def tree(text: str) -> ET.Element:
    """The figure as XML: every element is closed, and every attribute has a value."""
    return ET.fromstring(re.sub(r" (disabled|hidden|data-log)(?=[ >])", r' \1=""', text))


def test_values_lie_where_they_belong():
    # From 0 to 2 on 150 pixels, and from 0 to 4 on the whole width.
    (path,) = re.findall(r'class="line" d="([^"]+)" vector-effect', html())[:1]
    assert path == "M250.0 0.0L500.0 75.0L1000.0 150.0"
    assert re.findall(r'<circle cx="([\d.]+)%" cy="([\d.]+)"', html())[1:4] == [
        ("25.00", "0.0"), ("50.00", "75.0"), ("100.00", "150.0"),
    ]  # fmt: skip


def test_a_line_is_broken_where_there_is_no_value():
    paths = re.findall(r'class="line" d="([^"]+)" stroke-dasharray="4 2" vector', html())
    assert paths[0] == "M250.0 37.5M1000.0 112.5"


def test_a_value_that_no_logarithm_has_is_left_out_there():
    figure = tree(html())
    (log,) = (each for each in figure.iter("g") if each.get("class") == "log")
    (path,) = re.findall(r'class="line" d="([^"]+)"', ET.tostring(log, "unicode"))[:1]
    assert path.count("L") == 1


def test_words_of_users_are_text_and_ids_are_unique():
    figure = tree(html())
    assert f"caption {HOSTILE}" in "".join(figure.find("figcaption").itertext())
    names = {each.get("data-series") for each in figure.iter() if each.get("data-series")}
    assert names == {"train", HOSTILE, "planned"}
    ids = [each.get("id") for each in figure.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) == 5


def test_every_panel_is_an_image_with_a_title_and_a_description():
    figure = tree(html())
    panels = [each for each in figure.iter("svg") if each.get("role") == "img"]
    by_id = {each.get("id"): each for each in figure.iter() if each.get("id")}
    assert len(panels) == 2
    for panel, label in zip(panels, ("loss (nats)", "rate"), strict=True):
        title, text = (by_id[each] for each in panel.get("aria-labelledby").split())
        assert (title.tag, text.tag) == ("title", "desc")
        assert (title.text, text.text) == (label, f"alternative {HOSTILE}")


def test_without_script_the_legend_and_one_scale_are_shown():
    figure = tree(html())
    entries = ["".join(each.itertext()).strip() for each in figure.iter("li")]
    assert entries == ["train", HOSTILE, "reported: epoch 2"]
    (switches,) = (each for each in figure.iter("div") if each.get("class") == "switches")
    assert switches.get("hidden") is not None
    hidden = [each for each in figure.iter("g") if each.get("hidden") is not None]
    assert {each.get("data-unit") for each in hidden} == {"1"}  # the steps


def test_the_cursor_reads_every_series_at_every_stop():
    found = _data(html())
    assert found["x"] == [25, 50, 100]
    assert found["at"] == ["epoch 1, step 50", "epoch 2, step 100", "epoch 4, step 200"]
    (train, hostile), (planned,) = found["panels"]
    assert train["text"] == ["2.00", "1.00", "0.00"]
    assert hostile["text"] == ["1.50", "–", "0.50"]
    assert planned["text"] == ["1", "2", "4"]  # between its ends, by interpolation
    assert train["y"][0] == [0, 75, 150]
    assert train["y"][1][2] is None


def test_the_table_has_the_values_that_the_cursor_reads():
    table = table_of(plot(), "Values")
    assert table.header == ("epoch", "step", "loss, train", f"loss, {HOSTILE}", "rate")
    assert table.rows[1] == ["2", "100", "1.00", "–", "2"]
    assert table.folded == "Values"


@pytest.mark.parametrize("points", [0, 1, 2000])
def test_any_number_of_points_is_drawn(points):
    x = [n / 500 for n in range(points)]
    one = Series(name="s", x=x, y=[NAN] * points, colour=BLUE, band=([1.0] * points,) * 2)
    figure = html(panels=[Panel(Axis(label="y"), [one])])
    assert tree(figure).find("figcaption") is not None
    assert figure.count("L") < 1100


class _Figure(HTMLParser):
    read = ""

    def handle_starttag(self, tag, attrs):
        self.read = self.read or dict(attrs).get("data-read") or ""


def _data(text: str) -> dict:
    figure = _Figure()
    figure.feed(text)
    return json.loads(figure.read)


def test_a_place_that_is_not_a_number_is_refused_rather_than_stopping_the_script():
    bad = Series(name="accuracy", x=[NAN], y=[50.0], colour=BLUE)
    binned = Plot(x=Axis(label="confidence", low=0, high=100), bins=[0, 100],
                  panels=[Panel(Axis(label="accuracy"), [bad])])  # fmt: skip
    with pytest.raises(ValueError, match="JSON compliant"):
        svg.chart(binned, "bad", "", "")
