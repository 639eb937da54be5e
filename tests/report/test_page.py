"""The page: self-contained, escaped, with text for every picture; Markdown says the same."""

from __future__ import annotations

import base64
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import UndefinedError

from cifar_lab.report.gallery import RULE, Misclassified
from cifar_lab.report.page import Contents, Picture, render_html, render_markdown

#: Names that would be elements, entities or attributes if they were not escaped.
CLASSES = ("<b>", "cats & dogs", '"quoted"')
#: Attributes through which a page can fetch something.
FETCHING = {"src", "href", "srcset", "data", "action", "poster", "background", "cite", "style"}


def test_the_page_asks_for_nothing_outside_itself():
    html = render_html(contents())
    for _, attributes in parsed(html).elements:
        for name, value in attributes.items():
            if name in FETCHING:
                assert value.startswith("data:"), (name, value)
    assert not re.search(r"url\(|@import|https?://", html)
    tags = {tag for tag, _ in parsed(html).elements}
    assert not tags & {"script", "iframe", "object", "embed", "base", "form"}


def test_every_picture_is_inside_the_page_with_a_text_for_who_cannot_see_it():
    images = [a for tag, a in parsed(render_html(contents())).elements if tag == "img"]
    assert len(images) == 3
    for attributes, picture in zip(images, contents().pictures.values(), strict=True):
        assert attributes["alt"] == picture.alt != ""
        kind, data = attributes["src"].split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data) == picture.png


def test_names_are_text_and_never_elements():
    page = parsed(render_html(contents()))
    assert "b" not in {tag for tag, _ in page.elements}
    cells = page.cells()
    for name in CLASSES:
        assert name in cells
    assert 'a"><i>.png' in cells
    assert "title <u>" in page.text


def test_every_element_that_is_opened_is_closed():
    assert parsed(render_html(contents())).open == []


def test_the_result_is_on_the_page():
    page = parsed(render_html(contents()))
    shown = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert shown == {
        "Test accuracy": "91.23 %",
        "Validation accuracy": "90.50 %",
        "Test images wrong": "877 of 10,000",
        "Parameters": "6,573,120",
        "Multiply-adds": "379.3 M",
        "Training time": "1 h 1 min",
    }
    assert "the checkpoint of epoch 23: the best by validation accuracy." in page.text
    assert "Custom, Net, 24 of 30 epochs on CPU <Z> in bfloat16." in page.text
    assert "Training stopped early: time was up." in page.text
    assert "cifar-lab train seed=0 'name=<b>'" in page.text
    assert "Seed 0, 2 threads, Python 3.11.7, torch 2.15.0" in page.text
    assert "commit 0123456789ab with uncommitted changes; data fedcba987654." in page.text


def test_the_errors_are_a_table_of_names_and_probabilities():
    cells = parsed(render_html(contents())).cells()
    first = cells.index('a"><i>.png')
    assert cells[first : first + 10] == [
        'a"><i>.png',
        "cats & dogs",
        "99.90 %",
        "<b>",
        "0.05 %",
        "b.png",
        '"quoted"',
        "62.50 %",
        "cats & dogs",
        "30.00 %",
    ]


def test_each_class_has_a_row_of_precision_recall_and_f1():
    cells = parsed(render_html(contents())).cells()
    assert cells[-5:] == ['"quoted"', "3,333", "50.00 %", "25.00 %", "33.33 %"]


def test_the_page_says_how_many_errors_are_shown_and_by_which_rule():
    assert f"Shown are 2 of 877: {RULE}." in parsed(render_html(contents())).text
    every = contents(test={"accuracy": 0.8, "loss": 1.0, "count": 10, "wrong": 2})
    assert f"All 2 are shown: {RULE}." in parsed(render_html(every)).text


def test_test_time_flips_are_named_beside_the_accuracy_without_them():
    flipped = contents(test_without_flips={"accuracy": 0.9, "loss": 0.4, "count": 10_000})
    page = parsed(render_html(flipped))
    shown = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    assert shown["Test accuracy, flips averaged"] == "91.23 %"
    assert shown["Without flips"] == "90.00 %"
    assert "Test accuracy" not in shown
    markdown = render_markdown(flipped)
    assert "| test accuracy, logits of image and mirror image averaged | 91.23 % |" in markdown
    assert "| test accuracy without | 90.00 % |" in markdown


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_a_run_without_errors_validation_or_git_has_a_page(render):
    plain = contents(validation=None, stopped=None, errors=[], sample_ids=[], git=None)
    del plain.pictures["gallery"]
    page = render(plain)
    assert "No test image is misclassified." in page
    for absent in ("alidation accuracy</dt>", "| validation", "stopped", "commit", "gallery"):
        assert absent not in page


@pytest.mark.parametrize(
    "changes", [{}, {"validation": None, "stopped": None, "git": None}], ids=["full", "short"]
)
def test_markdown_names_the_same_numbers(changes):
    page, markdown = parsed(render_html(contents(**changes))), render_markdown(contents(**changes))
    alternatives = [a["alt"] for tag, a in page.elements if tag == "img"]
    assert numbers(" ".join([page.text, *alternatives])) == numbers(markdown)


def test_markdown_points_at_the_figures_with_a_text_each():
    links = re.findall(r"^!\[(.+)\]\((.+)\)$", render_markdown(contents()), flags=re.MULTILINE)
    assert links == [
        (picture.alt, f"figures/{name}.png") for name, picture in contents().pictures.items()
    ]


@pytest.mark.parametrize("name", ["plain", "a|b"])
def test_rows_of_markdown_tables_have_as_many_cells_as_their_heads(name):
    per_class = [{"class": name, "count": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}]
    page = render_markdown(
        contents(class_names=(name, name, "c"), sample_ids=[name, "b.png"], per_class=per_class)
    )
    table: list[int] = []
    for line in page.splitlines():
        bars = len(re.findall(r"(?<!\\)\|", line))
        table = [*table, bars] if line.startswith("|") else []
        assert len(set(table)) <= 1, line


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min 0 s"),
        (60, "1 min 0 s"),
        (125.6, "2 min 6 s"),
        (3599.7, "1 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_durations_are_told_as_people_tell_them(seconds, expected):
    assert f"| training time | {expected} |" in render_markdown(contents(training_seconds=seconds))


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_a_value_that_is_missing_is_an_error_and_not_a_gap(render):
    broken = contents()
    del broken.summary["reported_epoch"]
    with pytest.raises(UndefinedError, match="no attribute 'reported_epoch'"):
        render(broken)


def contents(**changes: Any) -> Contents:
    """A page's contents; changes to the summary, the provenance or the contents by name."""
    summary = {
        "dataset": "Custom",
        "model": "Net",
        "parameters": 6_573_120,
        "multiply_adds": 379_266_432,
        "epochs_planned": 30,
        "epochs_trained": 24,
        "stopped": "time was up",
        "reported_epoch": 23,
        "reported_because": "the best by validation accuracy",
        "validation": {"accuracy": 0.905, "loss": 0.4},
        "test": {"accuracy": 0.9123, "loss": 0.3, "count": 10_000, "wrong": 877},
        "test_without_flips": None,
        "per_class": [
            {"class": name, "count": 3_333, "precision": 0.5, "recall": 0.25, "f1": 1 / 3}
            for name in CLASSES
        ],
        "training_seconds": 3_661.2,
    }
    provenance = {
        "command": "cifar-lab train seed=0 'name=<b>'",
        "device_name": "CPU <Z>",
        "precision": "bfloat16",
        "seed": 0,
        "threads": 2,
        "python": "3.11.7",
        "libraries": {"torch": "2.15.0"},
        "git": {"commit": "0123456789abcdef", "dirty": True},
        "data_fingerprint": "fedcba9876543210",
    }
    settings = {
        "title": "title <u>",
        "pictures": {
            name: Picture(name, name.encode(), f"{name} of {n} <epochs>", f"About {n}.5 & more.")
            for n, name in enumerate(("curves", "learning_rate", "gallery"), start=11)
        },
        "errors": [Misclassified(4, 0, 1, 0.999, 0.0005), Misclassified(7, 1, 2, 0.625, 0.3)],
        "sample_ids": ['a"><i>.png', "b.png"],
        "class_names": CLASSES,
        "model_table": "Conv2d <64> 1,728",
        "config": "seed: 0\nname: <b>",
    }
    for known in (summary, provenance, settings):
        known.update({name: changes[name] for name in changes.keys() & known.keys()})
    assert changes.keys() <= summary.keys() | provenance.keys() | settings.keys()
    return Contents(summary=summary, provenance=provenance, **settings)


class Page(HTMLParser):
    """Elements with their attributes, and the text that a reader sees."""

    def __init__(self):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        if tag not in ("b", "code"):
            self.pieces.append(("", " "))  # its text is apart from what comes before

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.pieces.append((self.open[-1], data))

    @property
    def text(self) -> str:
        return " ".join("".join(data for _, data in self.pieces).split())

    def texts(self, tag: str) -> list[str]:
        return [data for where, data in self.pieces if where == tag and data]

    def cells(self) -> list[str]:
        return self.texts("td")


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))
