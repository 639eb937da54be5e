"""The page is self-contained and escaped, with alt text; Markdown has the same content."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from cifar_lab.report.blocks import (
    Chart,
    Code,
    Facts,
    Finding,
    Findings,
    Page,
    Picture,
    Section,
    Table,
    Text,
)  # fmt: skip
from cifar_lab.report.page import render_html, render_markdown

#: Attributes through which a page can load something.
FETCHING = {"src", "href", "srcset", "data", "action", "poster", "background", "cite", "style"}
PICTURE = Picture(
    "curves", b"sixteen of them \0\0\4\1 and on", 'curves of "3" <epochs>', "About 11.5 & more."
)


def test_the_page_asks_for_nothing_outside_itself():
    html = render_html(page())
    for _, attributes in parsed(html).elements:
        for name, value in attributes.items():
            if name in FETCHING:
                assert re.match(r"data:|#|--(pixels: \d+px|(columns|across): \d+)$", value), (
                    name,
                    value,
                )
    assert not re.search(r"url\(|@import|https?://", html)
    tags = {tag for tag, _ in parsed(html).elements}
    assert not tags & {"iframe", "object", "embed", "base", "form"}


def test_no_other_script_than_the_pages_own_may_run():
    """The policy names the script by its hash (Content Security Policy Level 3, 2.3.1)."""
    html = render_html(page())
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy.split("; ")[0] == "default-src 'none'"
    assert f"script-src 'sha256-{digest}'" in policy.split("; ")
    assert not re.search(r"\son\w+=", html.partition("<body>")[2].partition("<script>")[0])


def test_markdown_has_the_pictures_of_a_chart():
    chart = Chart(Markup("<figure>x</figure>"), [PICTURE, dataclasses.replace(PICTURE, name="b")])
    one = Page("t", "l", [], [Section("s", [chart])])
    assert "<figure>x</figure>" in render_html(one)
    assert re.findall(r"\(figures/(.*?)\)", render_markdown(one)) == ["curves.png", "b.png"]
    assert [picture.name for picture in one.pictures()] == ["curves", "b"]


def test_every_picture_is_inside_the_page_with_a_text_for_who_cannot_see_it():
    (image,) = [a for tag, a in parsed(render_html(page())).elements if tag == "img"]
    assert image["alt"] == PICTURE.alt
    assert image["style"] == "--pixels: 1025px"
    kind, data = image["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PICTURE.png


def test_words_are_text_and_never_elements():
    found = parsed(render_html(page()))
    assert not {"b", "u", "i"} & {tag for tag, _ in found.elements}
    assert found.cells() == ["<b>", "1", 'a"><i>|', "2"]
    assert "title <u>" in found.text
    assert "a lead & more" in found.text


def test_every_element_that_is_opened_is_closed():
    assert parsed(render_html(page())).open == []


def test_facts_are_named_figures():
    found = parsed(render_html(page()))
    assert found.texts("dt") == ["Parameters", "Time"]
    assert found.texts("dd") == ["6,573,120", "1 h 1 min"]


def test_every_section_can_be_reached_from_the_top():
    found = parsed(render_html(page()))
    links = [a["href"] for tag, a in found.elements if tag == "a"]
    anchors = [f"#{a['id']}" for tag, a in found.elements if tag == "h2"]
    assert links == anchors == ["#first-part", "#second"]


def test_marked_lines_stand_out_in_both_forms():
    found = parsed(render_html(page()))
    assert found.texts("mark") == ["epochs: 30 <x>"]
    lines = render_markdown(page()).splitlines()
    assert "epochs: 30 <x>  # differs" in lines
    assert "seed: 0" in lines


def test_warnings_are_set_off_in_both_forms():
    found = parsed(render_html(page()))
    assert ("p", {"class": "warning"}) in found.elements
    assert "> be careful" in render_markdown(page()).splitlines()


def test_findings_lead_to_their_section_in_both_forms():
    findings = Findings([Finding("`a` is <b> off", "First part"), Finding("so is b", "Second")])
    whole = Page("t", "l", [findings], page().sections)
    found = parsed(render_html(whole))
    leads = [a["href"] for tag, a in found.elements if tag == "a"]
    assert leads[:2] == ["#first-part", "#second"]
    assert "a is <b> off See First part." in found.text
    lines = render_markdown(whole).splitlines()
    begins = lines.index("What stands out:")
    assert lines[begins + 1 : begins + 4] == [
        "",
        r"- `a` is \<b\> off See [First part](#first-part).",
        "- so is b See [Second](#second).",
    ]


def test_commands_within_words_are_code():
    words = Page("t", "l", [Text("type `ls <x>` or `cd` now")], [])
    found = parsed(render_html(words))
    assert found.texts("code") == ["ls <x>", "cd"]
    assert "type `ls <x>` or `cd` now" in render_markdown(words)


def test_lines_of_code_stay_lines():
    html = render_html(page())
    (block,) = re.findall(r"<pre[^>]*>(.*?)</pre>", html, flags=re.DOTALL)
    assert re.sub("<[^>]*>", "", block).splitlines() == ["seed: 0", "epochs: 30 &lt;x&gt;"]


def test_markdown_names_the_same_numbers():
    found, markdown = parsed(render_html(page())), render_markdown(page())
    alternatives = [a["alt"] for tag, a in found.elements if tag == "img"]
    assert numbers(" ".join([found.text, *alternatives])) == numbers(markdown)


def test_names_are_text_in_markdown_too():
    name = '<img src=x onerror="alert(1)"> [a](https://b) *c* | `d`'
    blocks = [Text(name), Facts([(name, name)]), Table((name,), [(name,)]), PICTURE]
    markdown = render_markdown(Page(name, name, blocks, [Section(name, [])]))
    outside_code = re.sub(r"`[^`]*`", "", markdown.replace(r"\`", ""))
    bare = re.sub(r"\\[^\w\s]", "", outside_code)
    assert not re.search(r"[<>*]|\]\((?!figures/curves)|https?://", bare)


def test_code_that_holds_a_fence_stays_inside_its_own():
    lines = ["a", "```", "<img>"]
    markdown = render_markdown(Page("t", "l", [Code(lines, language="sh")], []))
    assert "````sh\na\n```\n<img>\n````\n" in markdown


def test_a_folded_table_can_be_unfolded():
    folded = Page("t", "l", [Table(("a",), [("1",)], folded="All <1>")], [])
    found = parsed(render_html(folded))
    assert found.open == []
    assert "All <1>" in found.texts("summary")
    assert render_markdown(folded).splitlines()[4:8] == [r"All \<1\>:", "", "| a  |", "|----|"]


def test_markdown_points_at_the_figures_with_a_text_each():
    links = re.findall(r"^!\[(.+)\]\((.+)\)$", render_markdown(page()), flags=re.MULTILINE)
    assert links == [(r'curves of "3" \<epochs\>', "figures/curves.png")]


def test_rows_of_markdown_tables_have_as_many_cells_as_their_heads():
    table: list[int] = []
    tables = 0
    for line in render_markdown(page()).splitlines():
        bars = len(re.findall(r"(?<!\\)\|", line))
        table = [*table, bars] if line.startswith("|") else []
        tables += len(table) == 3
        assert len(set(table)) <= 1, line
    assert tables == 1


def test_a_table_in_markdown_begins_after_an_empty_line():
    lines = render_markdown(page()).splitlines()
    for before, line in itertools.pairwise(lines):
        if line.startswith("|") and not before.startswith("|"):
            assert before == ""


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_nothing_is_left_of_the_templates(render):
    assert not re.search(r"\{[{%]|[%}]\}", render(page()))


def page() -> Page:
    """One block of each kind."""
    return Page(
        title="title <u>",
        lead="a lead & more",
        blocks=[Facts([("Parameters", "6,573,120"), ("Time", "1 h 1 min")]), Text("3 words")],
        sections=[
            Section("First part", [PICTURE, Text("be careful", warning=True)]),
            Section(
                "Second",
                [
                    Table(("name", "count"), [("<b>", "1"), ('a"><i>|', "2")]),
                    Code(["seed: 0", "epochs: 30 <x>"], frozenset([1]), folded="Configuration"),
                ],
            ),
        ],
    )


class Parsed(HTMLParser):
    """Elements with their attributes, and the text that a reader sees."""

    def __init__(self):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "wbr"):
            self.open.append("row" if dict(attrs).get("scope") == "row" else tag)
        if tag not in ("b", "code", "wbr"):
            self.pieces.append(("", " "))  # separates its text from what precedes it

    def handle_endtag(self, tag):
        assert self.open.pop() in (tag, "row")

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title", "script"):
            self.pieces.append((self.open[-1], data))

    @property
    def text(self) -> str:
        return " ".join("".join(data for _, data in self.pieces).split())

    def texts(self, tag: str) -> list[str]:
        return [data for where, data in self.pieces if where == tag and data]

    def cells(self) -> list[str]:
        """Of the bodies of tables, in reading order."""
        return [data for where, data in self.pieces if where in ("td", "row") and data]


def parsed(html: str) -> Parsed:
    page = Parsed()
    page.feed(html)
    page.close()
    return page


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))
