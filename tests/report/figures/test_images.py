"""Image grids, checked by their pixels and titles."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.figures import images as figures


def test_samples_are_drawn_row_by_row_with_their_titles(titles):
    images = list(np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3), dtype=np.uint8))
    pixels = decoded(figures.samples(images, ["a", "b", "c", "d", "e"], columns=3))
    assert titles == ["a", "b", "c", "d", "e"]
    last = images[4].repeat(18, 0).repeat(18, 1)
    top, left = 16 + 24 + (144 + 16) + 24, 16 + 160
    np.testing.assert_array_equal(pixels[top : top + 108, left : left + 144], last)


def test_rows_are_drawn_with_their_names_where_an_image_has_no_words(titles):
    image = np.zeros((6, 8, 3), np.uint8)
    first = Row(["cat"], [Tile(image), Tile(image + 9, ["epoch 1", "half"])])
    rows = [first, Row(["a", "→ b"], [Tile(None)])]
    pixels = decoded(figures.rows_of_samples(rows, 3, ["cat", "a", "b"]))
    assert titles == ["cat", "epoch 1\nhalf", "", "a\n→ b", "", ""]
    left = [int(pixels[16 + 48 + 50, 16 + 160 * column + 50, 0]) for column in range(3)]
    assert left == [0, 9, 255]


@pytest.mark.parametrize("name", [r"$\bill$", "$5"])
def test_a_title_between_dollar_signs_is_not_a_formula(name):
    image = np.zeros((6, 8, 3), np.uint8)
    assert decoded(figures.samples([image], [name], columns=2)).min() == 0


def test_a_title_longer_than_its_tile_is_shortened(titles):
    figures.samples([np.zeros((8, 8, 3), np.uint8)] * 2, ["a" * 9, "a" * 30 + "b" * 30], 2)
    assert titles[0] == "a" * 9
    assert 10 < len(titles[1]) < 25
    assert titles[1].startswith("aaa")
    assert titles[1].endswith("bbb")
    assert "…" in titles[1]


def decoded(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))
