"""Blocks as Markdown, as a parser of Markdown reads them and as a terminal shows them."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest
from markdown_it import MarkdownIt

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.blocks import Picture, Table
from cifar_lab.report.markdown import WIDTH, item, linked_item, paragraph, picture, table, width
from cifar_lab.report.pages.run import write_report
from tests.report.readings import reading

PARSER = MarkdownIt("commonmark").enable("table")
#: Words that would begin a heading, a list, a quotation or a rule at the start of a line.
STARTS = ["#", "-", "+", "1.", "2)", "=", "---", ">", "*", "|", "`", "_x_", "<b>", "a"]


def shown(markdown: str) -> list[tuple[str, str]]:
    """The elements around text with the text itself, as a browser would show it."""
    html = PARSER.render(markdown)
    found = re.findall(
        r"<(\w+)(?: [^>]*)?>([^<\n][^<]*(?:<(?:code|a)[^>]*>[^<]*</\w+>[^<]*)*)", html
    )
    return [(tag, unescape(" ".join(re.sub("<[^>]*>", "", text).split()))) for tag, text in found]


def cells(markdown: str) -> list[list[str]]:
    """Rows of the only table, header first."""
    rows = re.findall(r"<tr>(.*?)</tr>", PARSER.render(markdown), flags=re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in rows]
    return [[unescape(cell) for cell in row] for row in found]


def test_any_words_stay_words_wherever_a_line_breaks():
    generator = np.random.default_rng(0)
    for _ in range(200):
        text = " ".join(generator.choice(STARTS, size=150))
        text = text.replace("`", "'")
        lines = paragraph(text).split("\n")
        assert max(map(len, lines)) <= WIDTH
        assert shown("\n".join(lines)) == [("p", text)]


def test_code_is_never_broken_and_neither_is_a_number_from_its_unit():
    command = "cifar-lab eval RUN --some=flag"
    for filling in range(60, 100):
        lines = paragraph(f"{'x' * filling} type `{command}` for 97.22 % of it").split("\n")
        assert any(f"`{command}`" in line for line in lines)
        assert any("97.22 %" in line for line in lines)


def test_a_quotation_and_an_item_continue_in_what_follows():
    text = "many words " * 30
    quoted, listed = paragraph(text, "> "), item(text)
    assert all(line.startswith("> ") for line in quoted.split("\n"))
    assert PARSER.render(quoted).count("<p>") == 1
    assert PARSER.render(listed).count("<li>") == PARSER.render(listed).count("<ul>") == 1
    assert shown(listed) == [("li", text.strip())]


def test_an_item_ends_with_its_link():
    html = PARSER.render(linked_item("It is *off*.", "Run it again", "run-it-again"))
    assert '<li>It is *off*. See <a href="#run-it-again">Run it again</a>.</li>' in html


def test_a_picture_is_one_image_with_all_its_words():
    alt = "Loss and accuracy [both] " * 10 + "over *3* epochs"
    html = PARSER.render(picture(Picture("my curves", b"", alt, "c")))
    (found,) = re.findall(r'<p><img src="([^"]*)" alt="([^"]*)" /></p>', html)
    assert (found[0], " ".join(unescape(found[1]).split())) == ("figures/my%20curves.png", alt)


def test_the_columns_of_a_table_are_aligned():
    lines = table(Table(("class", "images"), [("Eule", "7"), ("a|b", "1,200")])).split("\n")
    assert lines == [
        "| class | images |",
        "|-------|-------:|",
        "| Eule  |      7 |",
        r"| a\|b  |  1,200 |",
    ]
    assert cells("\n".join(lines)) == [["class", "images"], ["Eule", "7"], ["a|b", "1,200"]]


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("熊猫", 4), ("e\u0301", 1), ("ｈａ", 4), ("ﾊ", 1), ("", 0)]
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text, columns):
    assert width(text) == columns


def test_names_of_wide_characters_keep_the_columns_aligned():
    lines = table(Table(("class", "n"), [("熊猫", "1"), ("cafe\u0301", "2")])).split("\n")
    assert {width(line) for line in lines} == {len("| class |  n |")}


def test_a_wide_table_of_numbers_continues_below_with_its_first_column():
    header = ("epoch", *(f"a column with number {n}" for n in range(7)))
    rows = [(str(row), *(f"{row}.{n}" for n in range(7))) for row in range(3)]
    text = table(Table(header, rows))
    assert max(map(len, text.split("\n"))) <= WIDTH
    parts = [cells(part) for part in text.split("\n\n")]
    assert len(parts) == 3
    for number, row in enumerate([header, *rows]):
        assert {part[number][0] for part in parts} == {row[0]}
        assert [cell for part in parts for cell in part[number][1:]] == list(row[1:])


def test_a_wide_table_of_words_is_a_list_of_its_rows():
    long = "long words " * 9 + "end"
    text = table(Table(("sample", "true", "loss"), [("a", long, "0.5"), ("-", "b", "1.0")], (1,)))
    assert max(map(len, text.split("\n"))) <= WIDTH
    assert shown(text) == [("li", f"a: true {long}; loss 0.5"), ("li", "-: true b; loss 1.0")]
    one = table(Table(("error",), [(long,), ("b",)]))
    assert shown(one) == [("li", long), ("li", "b")]


def test_a_table_that_must_stay_whole_does():
    header = ("study", *(f"a column with number {n}" for n in range(7)))
    text = table(Table(header, [header], text_columns=(1,), whole=True))
    assert cells(text) == [list(header)] * 2
    assert "  " not in text
    assert text.split("\n")[1].startswith("|---|---|---:|")


def test_the_report_of_a_run_fits_a_terminal_and_has_no_html(tmp_path):
    folder = tmp_path / "net" / "2026-01-02" / "1"
    write_report(reading(folder=folder), ReportMaps([], None), started=0.0)
    text = (folder / "report.md").read_text()
    prose = re.sub(r"^```.*?^```$", "code", text, flags=re.DOTALL | re.MULTILINE)
    assert max(map(width, prose.split("\n"))) <= WIDTH
    assert not re.search(r"(?<!\\)<", prose)
    assert "\n\n\n" not in prose.strip()
    html = PARSER.render(prose)
    headings = {found.lower().replace(" ", "-") for found in re.findall("<h2>(.*?)</h2>", html)}
    links = re.findall(r'<a href="#([^"]*)">', html)
    assert links
    assert set(links) <= headings
