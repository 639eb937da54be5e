"""The page in a real browser, on a phone, a desktop and paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_lab.explain.explained import Averaged, Explained, ReportMaps
from cifar_lab.report.pages.run import write_report
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.trust import OrderScore, Trust
from tests.report.readings import reading

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
#: Widths and heights in pixels.
SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}
#: Without these options it looks up hosts on its own.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> RunFolder:
    """A report with every kind of block, and with names that look like HTML elements."""
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    run = reading(
        folder=folder.path,
        trust=Trust(
            "gradcam", "layer2", "test", 12, (OrderScore("gradcam", 0.3, 0.6, 0.01, 0.02),), 0.1
        ),
    )
    rows = [error.row for error in run.errors]
    draw = np.random.default_rng(0)

    def maps(*shape: int) -> np.ndarray:
        return draw.normal(size=shape).astype(np.float32)

    explained = Explained(
        sample_ids=run.evaluated.sample_ids[rows],
        predicted=run.predicted[rows],
        layer=np.asarray("layer2"),
        gradcam=maps(len(rows), 3, 4, 4) / 1000,  # negligible: without colours
        hirescam=maps(len(rows), 3, 4, 4),
        values=maps(len(rows), 3),
        without_bias=maps(len(rows), 3),
        agreement=np.asarray(0.4),
    )
    averaged = Averaged(
        layer=np.asarray("layer2"),
        images=np.asarray(12),
        agreement=np.asarray(0.4),
        class_gradcam=maps(3, 4, 4),
        class_hirescam=maps(3, 4, 4),
        class_without_bias=maps(3),
        class_counts=np.asarray([3, 7, 2]),
        pairs=np.asarray([[2, 1], [0, 1]]),
        pair_gradcam=maps(2, 4, 4),
        pair_hirescam=maps(2, 4, 4),
        pair_without_bias=maps(2),
        pair_counts=np.asarray([2, 1]),
        right=draw.random(9),
        wrong=draw.random(3),
    )
    write_report(run, ReportMaps([explained], averaged))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(params=SCREENS)
def page(request, browser, folder) -> Iterator[Any]:
    """The open page; its requests and console messages are in ``requests`` and ``said``."""
    width, height = SCREENS[request.param]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.requests, page.said = [], []
    page.on("request", lambda asked: page.requests.append(asked.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(Path(folder.report).as_uri())
    yield page
    page.close()


def test_nothing_is_asked_for_but_the_page_itself(page, folder):
    outside = [url for url in page.requests if not url.startswith("data:")]
    assert outside == [Path(folder.report).as_uri()]
    assert page.said == []


def test_every_picture_is_there_with_its_words(page, folder):
    pictures = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth, i.alt])")
    assert len(pictures) == len(list((folder.path / "figures").glob("*.png"))) == 15
    assert all(complete and width > 100 and alt for complete, width, alt in pictures)


def test_the_page_never_scrolls_sideways(page):
    widths = page.evaluate("[document.scrollingElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    overflowing = page.evaluate(
        "[...document.querySelectorAll('.scroll, h1, h2, p, figcaption, dd')]"
        ".filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert overflowing == []


def test_pictures_are_large_enough_for_their_words(page):
    """Text is 8 points at 144 pixels per inch, so at half size it is 8 CSS pixels high."""
    sizes = page.evaluate(
        "[...document.images].map(i => [i.getBoundingClientRect().width, i.naturalWidth])"
    )
    assert all(shown >= min(704, pixels / 2) - 1 for shown, pixels in sizes)


def test_the_result_is_on_the_first_screen(page):
    bottom = page.evaluate(
        "document.querySelector('dl.facts > div').getBoundingClientRect().bottom"
    )
    assert bottom < page.viewport_size["height"]


def test_every_link_of_the_page_leads_somewhere(page):
    broken = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"
        ".filter(id => !document.getElementById(id))"
    )
    assert broken == []


def test_words_can_be_told_from_their_ground(page):
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    pairs = page.evaluate(
        """[...document.querySelectorAll('p, dt, dd, td, figcaption, a, mark, h2, pre')].map(e => {
          let ground = 'rgba(0, 0, 0, 0)', at = e;
          while (at && ground === 'rgba(0, 0, 0, 0)') {
            ground = getComputedStyle(at).backgroundColor; at = at.parentElement;
          }
          return [getComputedStyle(e).color, ground];
        })"""
    )
    for ink, ground in {tuple(pair) for pair in pairs}:
        lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


def test_it_prints(browser, folder):
    page = browser.new_page()
    page.goto(Path(folder.report).as_uri())
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print")
    assert not page.is_visible("nav")
    assert page.evaluate("document.querySelector('details pre').checkVisibility()")
    page.close()


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, as WCAG defines it."""
    values = [int(v) / 255 for v in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
