"""How a report looks: dark, on a phone, on paper, without script, and with names of any script."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.pages.run import write_report
from cifar_lab.run.folder import RunFolder
from tests.report.readings import dataset, loader, reading

pytestmark = pytest.mark.browser
#: Ideographs, letters from right to left with a space, and a word of 60 letters.
LONG = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunt"
NAMES = ("飛行機の写真", "قطة سوداء", LONG)
PHONES = (320, 390)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> RunFolder:
    data = dataset(NAMES)
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    run = reading(folder=folder.path, dataset=data, loader=loader(data))
    write_report(run, ReportMaps([], None))
    return folder


@pytest.fixture
def opened(browser, folder) -> Iterator[Any]:
    """Opens the page with settings of a browser's context."""
    contexts = []

    def open_page(width: int = 1280, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5_000)
        page.goto(Path(folder.report).as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


#: Text with its colour, and the grounds below it from the nearest: of a cell of the confusion
#: matrix its rectangle, then those of its ancestors.
WORDS = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.parentElement, style = getComputedStyle(at);
    const told = walker.currentNode.textContent.trim();
    if (!told || !at.checkVisibility() || at.closest('script, title, desc')) continue;
    const svg = at instanceof SVGElement, grounds = [];
    const cell = at.closest('.cell')?.querySelector('rect');
    if (cell) grounds.push([getComputedStyle(cell).fill, +getComputedStyle(cell).fillOpacity]);
    for (let up = at; up; up = up.parentElement)
      grounds.push([getComputedStyle(up).backgroundColor, 1]);
    found.push([told.slice(0, 30), svg ? style.fill : style.color, grounds]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_told_from_its_ground(opened, scheme):
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3), of text in charts, too."""
    page = opened(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = page.evaluate(WORDS)
    assert len(found) > 300
    low = {}
    for word, ink, grounds in found:
        ground = blended(grounds)
        lighter, darker = sorted((luminance(blended([(ink, 1)], ground)), luminance(ground)))[::-1]
        if (lighter + 0.05) / (darker + 0.05) < 4.5:
            low[ink, ground] = word
    assert low == {}


def test_pictures_with_a_white_ground_are_cards_in_the_dark(opened):
    page = opened(color_scheme="dark")
    frames = page.locator(".scroll > img").evaluate_all(
        "images => images.map(each => getComputedStyle(each))"
        ".map(style => [style.backgroundColor, style.padding])"
    )
    assert all(frame == ["rgb(255, 255, 255)", "8px"] for frame in frames)


@pytest.mark.parametrize("width", [*PHONES, 1280, 2000])
def test_nothing_is_wider_than_the_screen(opened, width):
    page = opened(width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    beside = page.evaluate(
        """[...document.querySelectorAll('body *')]
           .filter(e => e.checkVisibility() && !e.closest('.scroll, pre, svg, .spoken'))
           .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
           .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beside == []


@pytest.mark.parametrize("width", PHONES)
def test_no_table_scrolls_on_a_phone(opened, width):
    page = opened(width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wide = page.evaluate(
        """[...document.querySelectorAll('.scroll:has(> table)')]
           .filter(e => e.scrollWidth > e.clientWidth + 1)
           .map(e => e.textContent.trim().slice(0, 80))"""
    )
    assert wide == []


@pytest.mark.parametrize("width", [320, 1280])
def test_no_word_leaves_its_cell_and_columns_stay_legible(opened, width):
    page = opened(width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    cells = page.evaluate(
        """[...document.querySelectorAll('th, td, .name, .tiles li, dd, .images li')]
           .filter(e => e.checkVisibility() && e.textContent.trim() && !e.closest('.dots'))
           .map(e => [e.textContent.trim(), e.scrollWidth - e.clientWidth, e.clientWidth])"""
    )
    assert [cell for cell in cells if cell[1] > 1] == []
    assert all(room >= 60 for text, _, room in cells if LONG in text)


def test_names_of_any_script_are_text_everywhere(opened):
    page = opened()
    rows = page.locator("section:has(#classes) tbody th").all_text_contents()
    assert set(NAMES) <= set(rows)
    assert page.locator("#rows-samples .name").all_text_contents() == list(NAMES)
    named = page.locator("#matrix [data-row] text")
    assert [text[:2] for text in named.all_text_contents()] == ["飛行", "قط", "Do"]
    assert page.locator("#matrix [data-row] title").text_content() == LONG
    options = page.locator("[name=true] option").all_text_contents()[1:]
    assert options == list(NAMES)


def test_right_to_left_names_change_no_order(opened):
    """Of ``true → predicted (images)`` each part stands left of the next, as it is read."""
    page = opened()
    places = page.evaluate(
        """[...document.querySelectorAll('section:has(#confusions) > p')].flatMap(p => {
          const text = [...p.childNodes], at = text.findIndex(n => n.nodeName === 'BDI');
          if (at < 1) return [];
          return [text[at - 1], text[at], text[at + 1]].map((node) => {
            const range = document.createRange();
            range.selectNodeContents(node);
            const boxes = [...range.getClientRects()];
            return (node === text[at - 1] ? boxes.at(-1) : boxes[0]).left;
          });
        })"""
    )
    assert len(places) == 3
    assert places == sorted(places)


def test_the_page_has_an_outline_and_landmarks(opened):
    page = opened()
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.evaluate("document.documentElement.lang") == "en"
    for landmark in ("header", "main", "nav[aria-label]"):
        assert page.locator(landmark).count() == 1
    unnamed = page.evaluate(
        """[...document.querySelectorAll('section')].filter(s =>
             !document.getElementById(s.getAttribute('aria-labelledby'))).length"""
    )
    assert unnamed == 0


def test_every_table_names_its_rows_and_columns(opened):
    page = opened()
    without = page.evaluate(
        """document.querySelectorAll('th:not([scope])').length
         + document.querySelectorAll('tbody td:first-child').length"""
    )
    assert without == 0


def test_every_drawing_and_control_has_a_name(opened):
    page = opened()
    unnamed = page.evaluate(
        """selectors => [...document.querySelectorAll(selectors)].filter(e => {
             const labels = (e.getAttribute('aria-labelledby') || '').split(' ')
               .map(id => document.getElementById(id)?.textContent);
             return ![...labels, e.getAttribute('aria-label'), e.labels?.[0]?.textContent,
               e.textContent, e.querySelector('img')?.alt].some(name => name?.trim());
           }).map(e => e.outerHTML.slice(0, 80))""",
        "svg[role=img], button, select, input, summary, [role=group], dialog",
    )
    assert unnamed == []
    bare = "svg:not([aria-hidden], [role=img], [role=img] *, [aria-hidden] *)"
    assert page.locator(bare).count() == 0


def test_all_that_can_be_used_is_reached_by_keys_in_reading_order(opened):
    page = opened()
    assert page.locator("[tabindex]:not([tabindex='0'], [tabindex='-1'])").count() == 0
    places = []
    for _ in range(25):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """(() => {
              const e = document.activeElement, s = getComputedStyle(e);
              const top = e.getBoundingClientRect().top + scrollY;
              return [e.tagName, s.outlineStyle, parseFloat(s.outlineWidth), top];
            })()"""
        )
        assert found[1:3] == ["solid", 2], found
        places.append(found[3])
    assert places[-1] > places[0]
    # Some controls stand side by side, a line apart at most.
    assert all(after >= before - 40 for before, after in itertools.pairwise(places))


def test_what_scrolls_can_be_scrolled_by_keys(opened):
    page = opened(390)
    mute = page.evaluate(
        """[...document.querySelectorAll('.scroll, pre')].filter(e => e.checkVisibility()
             && e.scrollWidth > e.clientWidth + 1
             && e.tabIndex < 0 && !e.querySelector('[tabindex]'))
           .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert mute == []


def test_nothing_moves_for_those_who_want_no_motion(opened):
    page = opened(reduced_motion="reduce")
    moving = page.evaluate(
        """[...document.querySelectorAll('*')].map(e => getComputedStyle(e)).filter(s =>
             s.transitionDuration !== '0s' || s.animationName !== 'none'
             || s.scrollBehavior === 'smooth').length"""
    )
    assert moving == 0


def test_without_script_all_is_there_to_read(opened):
    with_script, page = opened(), opened(java_script_enabled=False)
    for selector in (
        "section > p",
        "section > .scroll tbody tr",
        "figcaption",
        ".tiles img",
    ):
        assert page.locator(selector).count() >= with_script.locator(selector).count()
        assert page.locator(selector).first.is_visible()
    # Only controls, and the other units of an axis, wait for the script.
    hidden = page.locator("[hidden]")
    kinds = {each.get_attribute("class") for each in hidden.all()}
    assert kinds <= {"switches", "filters", "unit", "below unit"}
    page.locator("summary").first.click()
    assert page.locator("details").first.locator("table, pre").is_visible()


def test_paper_is_light_and_has_no_gaps(opened):
    page = opened(color_scheme="dark")
    pages = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(format="A4")))
    assert pages <= 7
    page.set_viewport_size({"width": 688, "height": 1020})
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tall = page.evaluate(
        """[...document.querySelectorAll('figure')]
           .filter(f => getComputedStyle(f).breakInside === 'avoid')
           .filter(f => f.getBoundingClientRect().height > 700)
           .map(f => f.id || f.outerHTML.slice(0, 80))"""
    )
    assert tall == []
    headings = page.locator("h2").evaluate_all(
        "all => all.map(h => getComputedStyle(h).breakAfter)"
    )
    assert set(headings) == {"avoid"}
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 688


def test_paper_shows_each_point_of_a_chart_and_the_axis_below_each_panel(opened):
    page = opened()
    page.emulate_media(media="print")
    assert page.locator(".dots svg .dot").first.is_visible()
    for panel in page.locator("#chart-training .panel").all():
        assert panel.locator(".below:not([hidden]) text").last.is_visible()


def test_paper_shows_the_configuration_and_the_tables_that_are_unfolded(opened):
    page = opened()
    tables = page.locator("details:has(table)")
    page.emulate_media(media="print")
    assert page.locator("details pre").is_visible()
    assert not tables.first.is_visible()
    page.emulate_media(media="screen")
    tables.first.locator("summary").click()
    page.emulate_media(media="print")
    assert tables.first.locator("table").is_visible()


def blended(grounds: list, below: tuple[float, ...] = (255, 255, 255)) -> tuple[float, ...]:
    """The colour of layers, the nearest first, over an opaque one."""
    for text, opacity in reversed(grounds):
        *colour, alpha = [*map(float, re.findall(r"[\d.]+", text)), 1.0][:4]
        share = alpha * opacity
        below = tuple(share * a + (1 - share) * b for a, b in zip(colour, below, strict=True))
    return below


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of red, green and blue in 0 … 255, as WCAG defines it."""
    values = [each / 255 for each in colour]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
