"""The app in a real browser, on a phone and on a desktop."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.deploy.app.networks import answers_of, bundle, encoded, noise, png, served

pytestmark = [pytest.mark.browser, pytest.mark.extra("app")]
#: Widths and heights in pixels.
SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return answers_of(bundle(tmp_path_factory.mktemp("browsed") / "bundle"))


@pytest.fixture(scope="module")
def address(answers):
    with served(answers) as found:
        yield found


@pytest.fixture(params=SCREENS)
def page(request, browser, address) -> Iterator[Any]:
    """The open page; its requests and console messages are in ``requests`` and ``said``."""
    width, height = SCREENS[request.param]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(30_000)
    page.requests, page.said = [], []
    page.on("request", lambda asked: page.requests.append(asked.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(address)
    page.wait_for_selector(".verdict")
    yield page
    page.close()


def give(page: Any, content: bytes) -> None:
    file = {"name": "some.png", "mimeType": "image/png", "buffer": content}
    page.set_input_files("input[type=file]", files=[file])


def answered(page: Any) -> list[str]:
    """What the page lists as probabilities."""
    return page.eval_on_selector_all(".bars li", "all => all.map(e => e.textContent)")


def picture(page: Any, number: int) -> np.ndarray:
    """A picture of the answer, uint8."""
    data = page.eval_on_selector_all(".pictures img", "all => all.map(e => e.src)")[number]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))))


def test_one_visit(page, answers, address):
    """A visitor looks at an example, uploads, moves the settings, and reads on."""
    assert "(true)" in page.inner_text(".bars")
    _uploads(page, answers)
    _moves_the_opacity(page)
    _lists_fewer_classes(page)
    _switches_the_map_off(page)
    _is_told_what_is_wrong(page)
    _opens_the_gallery(page)
    page.get_by_role("tab", name="Model card").click()
    assert page.locator("#card h1", has_text="Insects").is_visible()
    widths = page.evaluate("[document.scrollingElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    outside = [url for url in page.requests if not url.startswith((f"{address}/", "data:"))]
    assert outside == []
    assert page.said == []


def _uploads(page, answers):
    pixels = noise(9, 32, 32)
    give(page, png(pixels))
    page.wait_for_function("!document.querySelector('.truth')")
    found = answers.answer(pixels, None)
    assert answered(page) == [
        f"{each.name}{100 * each.probability:.1f}\xa0%" for each in found.ranked[:3]
    ]
    np.testing.assert_array_equal(picture(page, 0), pixels)
    assert page.get_attribute("[data-number='0']", "aria-pressed") is None


def _moves_the_opacity(page):
    before = page.eval_on_selector_all(".pictures img", "all => all[1].src")
    page.get_by_label("number input for Opacity in per cent").first.fill("0")
    page.get_by_label("number input for Opacity in per cent").first.press("Tab")
    page.wait_for_function(
        "before => document.querySelectorAll('.pictures img')[1].src !== before", arg=before
    )
    grey = picture(page, 1)
    assert (grey[..., 0] == grey[..., 1]).all()


def _lists_fewer_classes(page):
    page.get_by_label("number input for Classes to list").fill("1")
    page.get_by_label("number input for Classes to list").press("Tab")
    page.wait_for_function("document.querySelectorAll('.bars li').length === 1")


def _switches_the_map_off(page):
    page.get_by_label("Show where the network looks (GradCAM)").first.uncheck()
    page.wait_for_function("document.querySelectorAll('.pictures img').length === 1")


def _is_told_what_is_wrong(page):
    for content in (b"hello", encoded(Image.new("1", (20_000, 10_000)), "png")):
        give(page, content)
        page.wait_for_selector(".problem")
        assert page.locator(".problem").count() == 1
        assert "Traceback" not in page.content()
        give(page, png(noise(8, 32, 32)))
        page.wait_for_selector(".verdict")


def _opens_the_gallery(page):
    page.get_by_role("tab", name="Mistakes").click()
    page.wait_for_selector(".mistakes li >> visible=true")
    assert page.locator(".mistakes li").count() == 4
    page.get_by_label("number input for Images").fill("2")
    page.get_by_label("number input for Images").press("Tab")
    page.wait_for_function("document.querySelectorAll('.mistakes li').length === 2")


def test_small_pixels_stay_squares_and_words_can_be_read(page):
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.pictures img')).imageRendering")
        == "pixelated"
    )
    assert page.locator("footer >> visible=true").count() == 0
    overflowing = page.evaluate(
        "[...document.querySelectorAll('.lab *')].filter(e => e.checkVisibility() &&"
        " e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.outerHTML)"
    )
    assert overflowing == []
