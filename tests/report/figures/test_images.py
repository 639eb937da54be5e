"""Image grids of images and maps, checked by their pixels and titles."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cifar_lab.analysis.misclassified import Misclassified
from cifar_lab.report.figures import images as figures
from cifar_lab.report.figures.image_grid import cells, overlay


@pytest.fixture
def titles(monkeypatch) -> list[str]:
    """Titles written above pictures, in order."""
    written: list[str] = []
    text = Figure.text

    def observed(figure, x, y, title, **settings):
        written.append(title)
        return text(figure, x, y, title, **settings)

    monkeypatch.setattr(Figure, "text", observed)
    return written


def test_the_gallery_shows_images_in_true_colours_above_their_maps():
    images, maps, rows = gallery_of(3)
    pixels = decoded(figures.gallery(images, {"layer3": maps}, rows, ("cat", "dog", "<b>")))
    for column, (image, map_) in enumerate(zip(images, maps, strict=True)):
        assert_shown(pixels, image.repeat(32, 0).repeat(32, 1), band=0, column=column)
        shown = overlay(image, map_, np.abs(map_).max(), side=256)
        assert_shown(pixels, shown, band=1, column=column)


def test_the_gallery_titles_name_classes_probabilities_and_scales(titles):
    images, maps, rows = gallery_of(3)
    maps[0] = -np.abs(maps[0]) - 0.1
    maps[1] /= np.abs(maps[1]).max() / 2.5
    maps[2] = 0
    figures.gallery(images, {"layer3": maps}, rows, ("cat", "dog", "<b>"))
    assert titles == [
        "dog (90.0%)\ntrue: cat (10.0%)",
        "<b> (80.0%)\ntrue: dog (20.0%)",
        "cat (70.0%)\ntrue: <b> (30.0%)",
        "all negative",
        "±2.5",
        "all zero",
    ]


def test_the_gallery_shows_a_row_for_each_of_several_layers_with_its_name(titles):
    images, maps, rows = gallery_of(7)
    finer = np.repeat(np.repeat(-maps, 2, axis=1), 2, axis=2)
    pixels = decoded(figures.gallery(images, {"layer3": maps, "layer2": finer}, rows, "abc"))
    assert pixels.shape[0] == 2 * (48 + 256 + 16 + 2 * (24 + 256 + 16)) + 16
    for band, of_layer in ((1, maps), (2, finer)):
        for column in range(5):
            shown = overlay(images[column], of_layer[column], np.abs(maps[column]).max(), side=256)
            assert_shown(pixels, shown, band, column)
    assert [title.split(":")[0] for title in titles[5:15]] == ["layer3"] * 5 + ["layer2"] * 5
    assert [title.split(":")[0] for title in titles[17:]] == ["layer3"] * 2 + ["layer2"] * 2
    assert titles[5].startswith("layer3: ±")


def test_a_gallery_without_maps_has_images_alone():
    images, _, rows = gallery_of(2)
    assert decoded(figures.gallery(images, {}, rows, "abc")).shape[0] == 48 + 256 + 2 * 16


@pytest.mark.parametrize(("number", "columns", "bands"), [(1, 1, 1), (5, 5, 1), (7, 5, 2)])
def test_the_gallery_has_at_most_five_columns(number, columns, bands):
    images, maps, rows = gallery_of(number)
    pixels = decoded(figures.gallery(images, {"layer3": maps}, rows, ("cat", "dog", "<b>")))
    assert pixels.shape[1] == columns * (256 + 16) + 16
    assert pixels.shape[0] == bands * (48 + 24 + 2 * (256 + 16)) + 16


def test_samples_are_drawn_row_by_row_with_their_titles(titles):
    images = list(gallery_of(5)[0])
    pixels = decoded(figures.samples(images, ["a", "b", "c", "d", "e"], columns=3))
    assert titles == ["a", "b", "c", "d", "e"]
    last = images[4].repeat(18, 0).repeat(18, 1)
    top, left = 16 + 24 + (144 + 16) + 24, 16 + 160
    np.testing.assert_array_equal(pixels[top : top + 108, left : left + 144], last)


@pytest.mark.parametrize("name", [r"$\bill$", "$5"])
def test_a_class_name_between_dollar_signs_is_not_a_formula(name):
    images, maps, rows = gallery_of(1)
    assert_is_png(figures.gallery(images, {"layer3": maps}, rows, (name, name, name)))
    assert_is_png(figures.samples(list(images), [name], columns=2))


def test_attributions_of_an_image_are_on_one_scale(titles):
    images, _, _ = gallery_of(2)
    rows = [
        [np.full((2, 2), 3.0, np.float32), np.full((4, 4), -1.0, np.float32)],
        [np.zeros((2, 2), np.float32), np.zeros((4, 4), np.float32)],
    ]
    png = figures.attributions(images, rows, ["a", "b"], [["x", "y"], ["z", "w"]])
    assert titles == [
        "a", "x\n±3", "y\nall negative", "b", "z\nall zero", "w\nall zero",
    ]  # fmt: skip
    pixels, top, step = decoded(png), 16 + 48, 192 + 16
    for column, map_ in enumerate(rows[0], start=1):
        shown = overlay(images[0], map_, 3.0, side=192)
        left = 16 + column * step
        found = pixels[top : top + shown.shape[0], left : left + shown.shape[1]]
        np.testing.assert_array_equal(found, shown)


def test_mean_maps_are_on_one_scale_for_all(titles):
    maps = np.stack([np.full((2, 2), value, np.float32) for value in (4.0, 1.0, -4.0)])
    pixels = decoded(figures.mean_maps(maps, ["a", "b", "c"], columns=2))
    assert titles == ["a", "b", "c"]
    step = 160 + 16
    for number, map_ in enumerate(maps):
        band, column = divmod(number, 2)
        top, left = 16 + 24 + band * (step + 24), 16 + column * step
        expected = cells(map_, 4.0, side=160)
        np.testing.assert_array_equal(pixels[top : top + 160, left : left + 160], expected)


def gallery_of(number: int) -> tuple[np.ndarray, np.ndarray, list[Misclassified]]:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (number, 6, 8, 3), dtype=np.uint8)
    maps = generator.normal(size=(number, 3, 4)).astype(np.float32)
    rows = [
        Misclassified(
            row=n,
            label=n % 3,
            predicted=(n + 1) % 3,
            predicted_probability=0.9 - 0.1 * n,
            true_probability=0.1 + 0.1 * n,
        )
        for n in range(number)
    ]
    return images, maps, rows


def decoded(png: bytes) -> np.ndarray:
    assert_is_png(png)
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def assert_shown(pixels: np.ndarray, picture: np.ndarray, band: int, column: int) -> None:
    """Check a tile: pictures lie below two title lines, maps below one."""
    top = 16 + 48 + band * (256 + 16 + 24)
    left = 16 + column * (256 + 16)
    height, width = picture.shape[:2]
    np.testing.assert_array_equal(pixels[top : top + height, left : left + width], picture)


def assert_is_png(png: bytes) -> None:
    """Check that a picture is large enough to read, small enough for a page, and not blank."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert all(150 < side < 3000 for side in image.size)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 24)) > 2
