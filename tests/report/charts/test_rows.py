"""Rows of images: every image with words, and every name as text that cannot become an element."""

from __future__ import annotations

import re

import numpy as np

from cifar_lab.report.charts.rows import ColourScale, Row, Tile, rows_of_images

PIXELS = np.zeros((4, 4, 3), np.uint8)
ROWS = [
    Row(["<b>", "→ قطة"], [Tile(PIXELS, ["original"]), Tile(PIXELS, ["epoch 1", "a: 60 %"])]),
    Row(["cat"], [Tile(PIXELS), Tile(PIXELS), Tile(None, ["not shown"])]),
]


def test_every_image_is_named_by_its_row_and_its_own_words():
    html = rows_of_images(ROWS, "x", "of all", "caption")
    assert re.findall(r'<img [^>]*alt="([^"]*)"', html) == [
        "&lt;b&gt; → قطة, original", "&lt;b&gt; → قطة, epoch 1, a: 60 %", "cat, 1", "cat, 2",
    ]  # fmt: skip
    assert "--columns: 3" in html
    assert html.count('class="none"') == 1


def test_names_are_text_that_keeps_its_place():
    html = rows_of_images(ROWS, "x", 'of "all"', "from قطة to cat")
    assert "<span>&lt;b&gt;</span><span>→ <bdi>قطة</bdi></span>" in html
    assert 'aria-label="of &#34;all&#34;"' in html
    assert "from <bdi>قطة</bdi> to cat" in html


def test_large_images_are_marked_for_the_style_sheet():
    assert 'class="rows large"' in rows_of_images(ROWS, "x", "", "", large=True)
    assert 'class="rows with-words"' in rows_of_images(ROWS, "x", "", "")
    assert 'class="rows"' in rows_of_images(ROWS[1:], "x", "", "")


def test_a_scale_of_colours_stands_above_the_rows_with_its_ends_in_words():
    scale = ColourScale("CAM, logits", ["−2", "−1", "0", "1", "2"])
    html = rows_of_images(ROWS, "x", "", "", scales=[scale])
    assert "<p>CAM, logits</p>" in html
    assert re.findall(r"<span>(−?\d)</span>", html) == ["−2", "−1", "0", "1", "2"]
    assert 'alt="colour scale from −2 (blue, against) over 0 (white) to 2 (red, for)"' in html
    assert "colour-scale" not in rows_of_images(ROWS, "x", "", "")
