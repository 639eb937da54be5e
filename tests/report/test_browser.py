"""The page in a real browser, on a phone, a desktop and paper."""

from __future__ import annotations

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

pytestmark = pytest.mark.browser
#: Widths and heights in pixels.
SCREENS = {"phone": (390, 844), "desktop": (1280, 900), "dark desktop": (1280, 900)}


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


@pytest.fixture(params=SCREENS)
def page(request, browser, folder) -> Iterator[Any]:
    """The open page; its requests and console messages are in ``requests`` and ``said``."""
    width, height = SCREENS[request.param]
    scheme = "dark" if request.param.startswith("dark") else "light"
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(5_000)
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
    assert page.evaluate("[...document.images].every(i => i.alt)")
    pictures = page.evaluate(
        "[...document.querySelectorAll('.scroll > img')]"
        ".map(i => [i.complete, i.naturalWidth, i.alt])"
    )
    charts = page.locator("figure.chart, figure.dots, figure.bars").count()
    assert charts == 5
    # The chart of training stands for two files; matrix, gallery and rows of images for one each.
    rows = page.locator("figure.rows-of-images").count()
    assert rows == 7
    assert (
        len(pictures) + charts + 3 + rows
        == len(list((folder.path / "figures").glob("*.png")))
        == 15
    )
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
        "[...document.querySelectorAll('.scroll > img')]"
        ".map(i => [i.getBoundingClientRect().width, i.naturalWidth])"
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


def test_what_stands_out_leads_to_the_section_where_it_shows(page):
    """The test images of the reading have a copy, and its confidence is too high."""
    links = page.locator("ul.findings a")
    assert links.all_text_contents() == ["Training", "Confidence", "Data"]
    for link in links.all():
        link.click()
        heading = page.get_by_role("heading", name=link.text_content(), exact=True)
        box = heading.bounding_box()
        last = page.evaluate("innerHeight + scrollY >= document.body.scrollHeight - 1")
        assert -1 <= box["y"] < page.viewport_size["height"]
        assert abs(box["y"]) < 20 or last
    links.first.focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#training")


def test_words_can_be_told_from_their_ground(page):
    """Contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    pairs = page.evaluate(
        """[...document.querySelectorAll('p, dt, dd, td, figcaption, a, li, mark, h2, pre')]
        .map(e => {
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


def test_the_cursor_of_a_chart_follows_pointer_and_keys(page):
    figure = page.locator("#chart-training")
    plot, spoken = figure.locator(".plot").first, figure.locator(".spoken")
    box = plot.bounding_box()
    plot.hover(position={"x": 0.4 * box["width"], "y": 40})  # nearer to epoch 1 of 2 than to 2
    said = "epoch 1, step 2. loss (mean over images, nats): train 2.0000, validation 2.5000; "
    assert spoken.text_content().startswith(said)
    assert figure.locator(".read").nth(1).locator("span").all_text_contents() == [
        "train 25.00", "validation 20.00",
    ]  # fmt: skip
    assert [each.get_attribute("x1") for each in figure.locator(".cursor").all()] == ["50%"] * 3
    figure.locator(".panels").focus()
    page.keyboard.press("ArrowRight")
    assert spoken.text_content().startswith("epoch 2, step 4.")
    page.keyboard.press("Home")
    assert spoken.text_content().startswith("epoch 1, step 2.")
    page.keyboard.press("Escape")
    assert spoken.text_content() == ""


def test_the_cursor_of_the_reliability_diagram_reads_a_whole_bin(page):
    figure = page.locator("#chart-reliability")
    plot, spoken = figure.locator(".plot"), figure.locator(".spoken")
    counts = np.histogram(reading().confidence, np.linspace(0, 1, 16))[0]
    hits = np.histogram(reading().confidence[reading().right], np.linspace(0, 1, 16))[0]
    last = f"images {counts[-1]}"
    box = plot.bounding_box()
    plot.hover(position={"x": 0.97 * box["width"], "y": 40})
    said = spoken.text_content()
    assert said.startswith("confidence 93.3 to 100.0. accuracy (%): accuracy with its 95 % ")
    assert said.endswith(last)
    assert f"interval {100 * hits[-1] / counts[-1]:.1f} % (" in said
    dot, line = figure.locator(".dot").first, figure.locator(".cursor")
    mean = reading().confidence[reading().confidence > 14 / 15].mean()
    assert float(dot.get_attribute("cx").rstrip("%")) == pytest.approx(100 * mean, abs=0.01)
    assert float(line.get_attribute("x1").rstrip("%")) == pytest.approx(100 * 29 / 30, abs=0.01)
    figure.locator(".panels").focus()
    page.keyboard.press("Home")
    assert spoken.text_content() == "confidence 0.0 to 6.7. accuracy (%): images 0"
    button = figure.get_by_role("button", name="images", exact=True)
    assert figure.locator("rect.count >> visible=true").count() > 1
    button.click()
    assert figure.locator(".plot rect.count >> visible=true").count() == 0


def test_a_row_of_the_classes_is_read_by_pointer_and_keys(page):
    figure = page.locator("#dots-classes")
    told = figure.locator(".told")
    figure.locator("tr.row").nth(1).locator(".plotted").hover()
    said = told.text_content()
    assert said.startswith("cats & dogs: recall 100.0 % (")
    assert ", precision 57.1 % (" in said
    figure.locator(".rows").focus()
    page.keyboard.press("End")
    assert told.text_content().startswith('"quoted": recall 50.0 % (15.0 to 85.0), precision 100.0')
    shown = [row.inner_text().split()[-2:] for row in figure.locator("tr.row").all()]
    assert shown == [["75.0", "100.0"], ["100.0", "57.1"], ["50.0", "100.0"]]


def test_a_series_can_be_hidden_and_the_scale_and_unit_changed(page):
    figure = page.locator("#chart-training")
    button = figure.get_by_role("button", name="validation", exact=True)
    line = figure.locator("g.linear g[data-series=validation] path.line").first
    assert line.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert (button.get_attribute("aria-pressed"), line.is_visible()) == ("false", False)
    button.click()
    assert (button.get_attribute("aria-pressed"), line.is_visible()) == ("true", True)
    figure.get_by_role("button", name="log scale").click()
    assert not line.is_visible()
    assert figure.locator("g.log g[data-series=validation] path.line").first.is_visible()
    figure.get_by_role("button", name="steps").click()
    ticks = figure.locator(".tick.x:visible").all_text_contents()
    assert ticks == ["0", "1", "2", "3", "4", "step"]


def test_a_table_is_sorted_by_its_header(page):
    table = page.locator("section:has(#classes) table:not(.fixed)")
    head = table.locator("th").nth(4)  # recall: 75, 100 and 50 %

    def column() -> list[str]:
        texts = table.locator("tbody td:nth-child(5)").all_text_contents()
        return [text.split(" %")[0] for text in texts]

    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert (head.get_attribute("aria-sort"), column()) == ("ascending", ["50.0", "75.0", "100.0"])
    page.keyboard.press("Enter")
    assert (head.get_attribute("aria-sort"), column()) == ("descending", ["100.0", "75.0", "50.0"])
    table.locator("th").nth(0).get_by_role("button").click()
    assert head.get_attribute("aria-sort") is None
    names = table.locator("tbody th").all_text_contents()
    assert names == ['"quoted"', "<b>", "cats & dogs"]


def test_the_gallery_is_filtered_by_class_result_and_loss(page):
    figure = page.locator("#gallery")
    items, told = figure.locator("li:visible"), figure.locator("output")
    assert items.count() == 12
    figure.locator("[name=true]").select_option(label='"quoted"')
    assert items.count() == 4
    figure.locator("[name=predicted]").select_option(label="cats & dogs")
    assert items.count() == 2
    assert told.text_content() == "2 of 12 images of the gallery"
    figure.get_by_role("button", name="all images").click()
    figure.locator("[name=result]").select_option("wrong")
    figure.locator("output:has-text('3 of 12')").wait_for()
    losses = [float(each.get_attribute("data-loss")) for each in items.all()]
    figure.locator("[name=loss]").fill(f"{max(losses)}")
    assert items.count() == 1


def test_an_image_opens_large_between_those_that_are_shown(page):
    figure = page.locator("#gallery")
    dialog, place = figure.locator("dialog"), figure.locator(".place")
    figure.locator("[name=result]").select_option("wrong")
    figure.locator("li:visible .open").first.focus()
    page.keyboard.press("Enter")
    assert dialog.is_visible()
    assert place.text_content() == "1 of 3"
    # Of GradCAM, which is negligible, there are words in place of the maps of all three targets.
    assert dialog.locator(".map").count() == 6
    assert dialog.locator(".map img").count() == 3
    assert dialog.locator(".map:has-text('no colour')").count() == 3
    assert dialog.locator("th:has-text('(true)')").count() == 1
    cells = dialog.locator("td:has-text('%')").all_text_contents()
    shares = [float(cell.removesuffix(" %")) for cell in cells]
    assert sum(shares) == pytest.approx(100, abs=0.02)
    page.keyboard.press("ArrowRight")
    assert place.text_content() == "2 of 3"
    dialog.get_by_role("button", name="next").click()
    assert place.text_content() == "3 of 3"
    assert dialog.get_by_role("button", name="next").is_disabled()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_a_cell_of_the_matrix_filters_the_gallery(page):
    figure, items = page.locator("#matrix"), page.locator("#gallery li:visible")
    figure.locator(".cell[data-at='2 1']").click()  # two of them
    said = 'true "quoted", predicted cats & dogs: 2 of 4 images (50.0 %)'
    assert figure.locator(".told").text_content() == said
    assert items.count() == 2
    figure.locator(".cells").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    said = "true cats & dogs, predicted cats & dogs: 4 of 4 images (100.0 %)"
    assert figure.locator(".told").text_content() == said
    assert items.count() == 4


def test_the_matrix_can_be_reordered_and_enlarged(page):
    figure = page.locator("#matrix")
    names = figure.locator("[data-row]")

    def order() -> list[str]:
        places = [(each.bounding_box()["y"], each.text_content()) for each in names.all()]
        return [name for _, name in sorted(places)]

    before, wide = order(), figure.locator(".cells").bounding_box()["width"]
    figure.get_by_role("button", name="order by similarity").click()
    after = order()
    assert sorted(after) == sorted(before)
    # 1 and 2 are confused most, so that they stand together.
    assert abs(after.index("cats & dogs") - after.index('"quoted"')) == 1
    figure.get_by_role("button", name="zoom").click()
    assert figure.locator(".cells").bounding_box()["width"] > wide


@pytest.fixture
def without_script(browser, folder) -> Iterator[Any]:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(Path(folder.report).as_uri())
    yield page
    context.close()


def test_without_script_charts_are_complete(without_script):
    figure = without_script.locator("#chart-training")
    assert figure.locator("g.linear path.line").first.is_visible()
    assert not figure.locator("g.log path.line").first.is_visible()
    assert figure.locator(".legend").inner_text().split() == [
        "train", "validation", "planned", "used", "reported:", "epoch", "2",
    ]  # fmt: skip
    assert figure.locator(".tick.x:visible").all_text_contents() == ["0", "1", "2", "epoch"]
    assert not figure.locator(".switches").is_visible()


def test_without_script_the_gallery_can_be_read(without_script):
    figure = without_script.locator("#gallery")
    assert figure.locator("li:visible").count() == 12
    assert not figure.locator("form").is_visible()
    figure.locator("summary").first.click()
    assert figure.locator("details table").first.is_visible()


def test_it_prints(browser, folder):
    page = browser.new_page()
    page.goto(Path(folder.report).as_uri())
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".switches").first.is_visible()
    assert not page.is_visible("nav")
    assert page.evaluate("document.querySelector('details pre').checkVisibility()")
    page.close()


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(r, g, b)``, as WCAG defines it."""
    values = [int(v) / 255 for v in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
