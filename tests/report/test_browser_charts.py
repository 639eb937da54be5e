"""Charts and tables of sweeps in a real browser: read by pointer and keys, and sorted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cifar_lab.report.blocks import Chart, Page, Section, Table
from cifar_lab.report.charts import dot_rows, svg
from cifar_lab.report.charts.curves import Curve, validation
from cifar_lab.report.charts.ranking import Ranked, ranking
from cifar_lab.report.page import write_page

pytestmark = pytest.mark.browser
#: Columns of a table in ascending order, what has no value last.
SORTED = {
    "accuracy": ["9.50 ± 0.10", "80.10 ± 0.14", "90.50 ± 0.71", "100.00 ± 0.00", "–"],
    "difference": ["−1.25 (−2 to 0)", "−0.50 (−1 to 0)", "0.00", "+3.00 (2 to 4)", "–"],
    "time": ["8.0 s", "2 min 3 s", "1 h 5 min", "11 h 1 min", "–"],
    "count": ["900", "1,000", "20,500", "1,000,000", "–"],
    "speed": ["0.93×", "1.81×", "9.5×", "10×", "–"],
    "p": ["p < 0.0001", "p = 0.031", "p = 0.5", "p = 1", "–"],
    "size": ["812 bytes", "1.2 kB", "3.4 MB", "1.1 GB", ""],
    "share": ["5.0 %", "9.9 %", "10.0 %", "99.0 %", "–"],
    "verdict": ["the best", "within noise", "worse", "–", ""],
    "lr": ["1e-05", "0.001", "0.01", "0.5", "–"],
    "block": ["8x8", "16x16", "100x1", "b", "–"],
}
WORDS = ("verdict", "lr", "block")
SHUFFLED = (3, 4, 0, 2, 1)


def dots() -> Chart:
    rows = [Ranked("adam", [99.0, 100.0], (98.0, 101.0), "the best"), Ranked("sgd", [90.0], None,
            "worse")]  # fmt: skip
    return Chart(dot_rows.chart(ranking([("", rows)]), "ranking", "alt", "caption"), [])


def curves() -> Chart:
    made = [Curve(name, [1, 2, 3], [[0.1, n / 10, 0.9]]) for n, name in enumerate("abc", start=2)]
    return Chart(svg.chart(validation(made, made), "curves", "alt", "caption"), [])


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory) -> Iterator[Any]:
    path = Path(tmp_path_factory.mktemp("page")) / "page.html"
    heads = list(SORTED)
    rows = [[SORTED[head][place] for head in heads] for place in SHUFFLED]
    table = Table(heads, rows, text_columns=[heads.index(word) for word in WORDS])
    write_page(Page("title", "lead", [table], [Section("Charts", [dots(), curves()])]), path)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(5_000)
    page.goto(path.as_uri())
    yield page
    page.close()


@pytest.mark.parametrize("name", [name for name in SORTED if name != "verdict"])
def test_a_column_is_sorted_by_its_numbers_with_missing_values_last(opened, name):
    table = opened.locator("table").first
    button = table.locator("thead th").nth(list(SORTED).index(name)).locator("button")
    button.focus()
    opened.keyboard.press("Enter")
    cells = f"rows => rows.map(row => row.cells[{list(SORTED).index(name)}].textContent.trim())"
    assert table.locator("tbody tr").evaluate_all(cells) == SORTED[name]
    assert table.locator("thead th[aria-sort]").count() == 1
    opened.keyboard.press("Space")
    down = table.locator("tbody tr").evaluate_all(cells)
    assert down == [*reversed(SORTED[name][:-1]), SORTED[name][-1]]
    assert table.locator("thead th[aria-sort=descending]").count() == 1


def test_words_are_sorted_by_their_letters(opened):
    table = opened.locator("table").first
    place = list(SORTED).index("verdict")
    table.locator("thead th").nth(place).locator("button").click()
    found = table.locator("tbody tr").evaluate_all(
        f"rows => rows.map(row => row.cells[{place}].textContent.trim())"
    )
    assert found[:3] == ["the best", "within noise", "worse"]
    assert set(found[3:]) == {"–", ""}


def test_a_row_of_dots_is_told_below_the_pointer(opened):
    figure = opened.locator("#dots-ranking")
    told = figure.locator(".told")
    figure.locator("tr.row").nth(1).hover()
    assert told.text_content() == "sgd: 90.00 %; worse."
    opened.locator("h1").hover()
    assert told.text_content() == ""


def test_arrow_keys_move_from_row_to_row(opened):
    figure = opened.locator("#dots-ranking")
    told = figure.locator(".told")
    opened.locator("h1").hover()
    figure.locator(".rows").focus()
    opened.keyboard.press("Home")
    first = (
        "adam: 99.50 ± 0.71 %; 95 % interval of the mean 98.00 to 101.00 %; runs 99.00, 100.00; "
        "the best."
    )
    assert told.text_content() == first
    opened.keyboard.press("ArrowDown")
    assert told.text_content() == "sgd: 90.00 %; worse."
    assert figure.locator("tr.at").count() == 1
    opened.keyboard.press("ArrowDown")  # there is no further row
    assert told.text_content() == "sgd: 90.00 %; worse."
    opened.keyboard.press("Escape")
    assert told.text_content() == ""


def test_the_table_of_curves_reads_where_the_cursor_is(opened):
    figure = opened.locator("#chart-curves")
    table = figure.locator(".reading")
    values = table.locator("td:last-child")
    assert values.all_text_contents() == ["90.00"] * 3
    figure.locator(".panels").focus()
    opened.keyboard.press("Home")
    opened.keyboard.press("ArrowRight")
    assert table.locator("th").first.text_content() == "epoch 2"
    assert values.all_text_contents() == ["20.00", "30.00", "40.00"]
    opened.keyboard.press("Escape")
    assert table.locator("th").first.text_content() == "epoch 3"


def test_a_name_in_the_table_hides_its_curve(opened):
    figure = opened.locator("#chart-curves")
    button = figure.locator(".reading button").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    drawn = figure.locator(".plot g[data-series=a]")
    shown = drawn.evaluate_all("all => all.map(each => each.hasAttribute('hidden'))")
    assert shown == [True] * 3  # loss on both scales, accuracy on one
    button.click()
