"""Grids of images with words, as HTML and as a picture."""

from __future__ import annotations

import numpy as np

from cifar_lab.report.charts.rows import Tile
from cifar_lab.report.sections.grids import grid


def tiles(number: int) -> list[Tile]:
    images = np.random.default_rng(0).integers(0, 256, (number, 8, 8, 3), dtype=np.uint8)
    return [Tile(image, [f"tile {place}", "<b>"]) for place, image in enumerate(images)]


def test_each_image_has_its_words_on_the_page_and_in_the_picture(titles):
    [chart] = grid("some", tiles(5), 3, ("<b>",), alt="five", caption="Five images.")
    assert titles == [*(f"tile {place}\n<b>" for place in range(5)), ""]
    html = str(chart.html)
    assert html.count("<span>&lt;b&gt;</span>") == 5
    assert html.count("data:image/") == 5
    [picture] = chart.pictures
    assert (picture.name, picture.alt, picture.caption) == ("some", "five", "Five images.")
    assert picture.width == "natural"


def test_a_picture_of_few_images_is_no_wider_than_they_are(titles):
    grid("some", tiles(2), 8, ("<b>",), alt="", caption="")
    assert len(titles) == 2


def test_a_picture_that_cannot_be_drawn_is_a_warning():
    [told] = grid("some", [Tile(np.zeros(3, np.uint8))], 8, (), alt="", caption="")
    assert told.warning
    assert told.text.startswith("The figure some could not be drawn")
