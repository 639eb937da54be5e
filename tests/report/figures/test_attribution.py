"""Maps of images, checked by their pixels, titles and colour bars."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab.analysis.misclassified import Misclassified
from cifar_lab.report.figures import attribution as figures
from cifar_lab.report.figures.attribution import Scaled, Series
from cifar_lab.report.figures.colour_scale import round_end, ticks
from cifar_lab.report.figures.image_grid import BAR_WIDTH, GAP_PIXELS, cells, overlay

UNIT = "logits per cell"


def test_the_gallery_shows_images_in_true_colours_above_their_maps():
    images, maps, rows = gallery_of(3)
    pixels = decoded(*figures.gallery(images, [scaled(maps)], rows, ("cat", "dog", "<b>")))
    largest = round_end(np.abs(maps).max())  # of the whole figure
    for column, (image, map_) in enumerate(zip(images, maps, strict=True)):
        assert_shown(pixels, image.repeat(32, 0).repeat(32, 1), band=0, column=column)
        assert_shown(pixels, overlay(image, map_, largest, side=256), band=1, column=column)


def test_the_gallery_names_classes_probabilities_and_scale(titles):
    images, maps, rows = gallery_of(3)
    maps[0] = -np.abs(maps[0]) - 0.1
    maps /= np.abs(maps).max() / 2.5  # the scale ends at 3
    figures.gallery(images, [scaled(maps)], rows, ("cat", "dog", "<b>"))
    assert titles == [
        "dog (90.0%)\ntrue: cat (10.0%)",
        "<b> (80.0%)\ntrue: dog (20.0%)",
        "cat (70.0%)\ntrue: <b> (30.0%)",
        "GradCAM\nall negative",
        "GradCAM",
        "GradCAM",
        *("3.0", "1.5", "0.0", "−1.5", "−3.0", UNIT),
    ]


def test_every_row_of_maps_has_a_colour_bar_and_a_method_has_one_scale_in_all_rows(titles):
    images, maps, rows = gallery_of(7)
    finer = np.repeat(np.repeat(-maps, 2, axis=1), 2, axis=2) / 100
    pixels = decoded(*figures.gallery(images, [scaled(maps), scaled(finer)], rows, "abc"))
    assert pixels.shape[0] == 2 * (48 + 256 + 16 + 2 * (24 + 256 + 16)) + 16
    assert titles.count(UNIT) == 4
    for band, of_layer in ((1, maps), (2, finer)):
        largest = round_end(np.abs(of_layer).max())  # also of the second row of images
        assert titles.count(ticks(largest)[-1][1]) == titles.count(ticks(largest)[0][1]) == 2
        for column in range(5):
            shown = overlay(images[column], of_layer[column], largest, side=256)
            assert_shown(pixels, shown, band, column)


def test_a_map_with_a_note_has_no_colours_and_no_say_in_the_scale(titles):
    images, maps, rows = gallery_of(2)
    maps[1] = 1000
    note = "no colour: the map sums to 2.0 % of HiResCAM's"
    pixels = decoded(*figures.gallery(images, [scaled(maps, ["", note])], rows, "abc"))
    end = round_end(np.abs(maps[0]).max())
    assert_shown(pixels, overlay(images[0], maps[0], end, 256), 1, 0)
    assert ticks(end)[-1][1] in titles
    assert note in [title.replace("\n", " ") for title in titles]
    tile = tile_of(pixels, images[1].shape, band=1, column=1).astype(int)
    assert (tile.max(axis=2) == tile.min(axis=2)).mean() > 0.99  # grey, with black words
    words = tile[len(tile) // 2 - 30 : len(tile) // 2 + 30]
    assert words.min() < 60
    assert words.max() == 255


def test_a_row_without_colours_has_no_colour_bar(titles):
    images, maps, rows = gallery_of(2)
    (png,) = figures.gallery(images, [scaled(maps, ["no colour: a", "no colour: b"])], rows, "abc")
    assert decoded(png).shape[1] == 2 * (256 + GAP_PIXELS) + GAP_PIXELS
    assert UNIT not in titles


def test_a_gallery_without_maps_has_images_alone():
    images, _, rows = gallery_of(2)
    assert decoded(*figures.gallery(images, [], rows, "abc")).shape[0] == 48 + 256 + 2 * 16


@pytest.mark.parametrize(("number", "columns", "bands"), [(1, 1, 1), (5, 5, 1), (7, 5, 2)])
def test_the_gallery_has_at_most_five_columns(number, columns, bands):
    images, maps, rows = gallery_of(number)
    pixels = decoded(*figures.gallery(images, [scaled(maps)], rows, ("cat", "dog", "<b>")))
    assert pixels.shape[1] == columns * (256 + 16) + 16 + BAR_WIDTH
    assert pixels.shape[0] == bands * (48 + 24 + 2 * (256 + 16)) + 16


def test_the_bar_shows_the_colours_of_the_maps(titles):
    maps = np.array([[[1.0, 0.5], [-0.5, -1.0]]], np.float32)
    pixels = decoded(figures.mean_maps([scaled(maps)], columns=5)).astype(int)
    top, left = 16 + 24, 16 + 160 + 16
    bar = pixels[top : top + 160, left : left + 16]
    assert (bar == bar[:, :1]).all()  # the same from left to right
    for row, value in ((0, 1.0), (40, 0.5), (120, -0.5), (159, -1.0)):
        expected = cells(np.array([[value]], np.float32), 1.0, side=1)[0, 0]
        assert np.abs(bar[row, 0] - expected).max() <= 6
    assert bar[80].min() > 235  # white at 0
    assert titles == ["GradCAM", "1.0", "0.5", "0.0", "−0.5", "−1.0", UNIT]


def test_all_maps_of_a_group_share_a_scale_whichever_image_they_are_of(titles):
    images, _, _ = gallery_of(2)
    first = Series(
        np.stack([np.full((2, 2), 3.0), np.full((2, 2), 2.0)]).astype("f4"), "xz", ["", ""]
    )
    second = Series(
        np.stack([np.full((2, 2), -1.0), np.full((2, 2), 8.0)]).astype("f4"), "yw", ["", ""]
    )
    (png,) = figures.attributions(images, [Scaled(UNIT, [first, second])], ["a", "b"])
    assert titles == [
        *("a", "x", "y\nall negative", "8", "4", "0", "−4", "−8", UNIT),
        *("b", "z", "w", "8", "4", "0", "−4", "−8", UNIT),
    ]
    pixels, top, step = decoded(png), 16 + 48, 192 + 16
    for column, map_ in enumerate((first.maps[0], second.maps[0]), start=1):
        shown = overlay(images[0], map_, 8.0, side=192)
        left = 16 + column * step
        found = pixels[top : top + shown.shape[0], left : left + shown.shape[1]]
        np.testing.assert_array_equal(found, shown)


def test_more_maps_than_fit_beside_an_image_go_below_with_the_image_again(titles):
    images, maps, _ = gallery_of(1)
    groups = [Scaled(UNIT, [Series(maps, [f"{g}{n}"], [""]) for n in "ab"]) for g in range(4)]
    (png,) = figures.attributions(images, groups, ["name"])
    assert [t for t in titles if t[0] in "n0123" and len(t) > 1 and t[1] in "aab"] == [
        *("name", "0a", "0b"),
        *("name", "1a", "1b"),
        *("name", "2a", "2b"),
        *("name", "3a", "3b"),
    ]
    assert decoded(png).shape[1] == 3 * (192 + 16) + BAR_WIDTH + 16


def test_tall_figures_are_divided_between_images():
    images, maps, _ = gallery_of(5)
    groups = [Scaled(UNIT, [Series(maps, ["t"] * 5, [""] * 5)] * 6) for _ in range(5)]
    drawn = figures.attributions(images, groups, ["name"] * 5)
    # Five rows an image: two images in a figure of at most twelve rows.
    assert [decoded(png).shape[0] // (5 * (192 + 16)) for png in drawn] == [2, 2, 1]


def test_no_figure_has_more_rows_than_can_be_drawn(monkeypatch):
    for limit in ("ROWS", "MOST_ROWS"):
        monkeypatch.setattr(figures, limit, 5)
    images, maps, rows = gallery_of(6)
    drawn = [decoded(png) for png in figures.gallery(images, [scaled(maps)] * 4, rows, "abc")]
    row = 24 + 256 + 16
    assert [len(pixels) for pixels in drawn] == [24 + 5 * row + 16] * 2
    groups = [Scaled(UNIT, [Series(maps[:1], ["t"], [""])] * 6)] * 6
    heights = [len(decoded(png)) for png in figures.attributions(images[:1], groups, ["name"])]
    assert heights == [rows * (24 + 192 + 16) + 16 for rows in (5, 1)]


def test_mean_maps_of_a_method_are_on_one_scale_for_all(titles):
    maps = np.stack([np.full((2, 2), value, np.float32) for value in (4.0, 1.0, -4.0)])
    groups = [scaled(maps), scaled(maps / 10, ["", "no colour: x", ""])]
    pixels = decoded(figures.mean_maps(groups, columns=2))
    assert titles.count(UNIT) == 4
    assert titles.count("4") == titles.count("0.4") == 2
    step = 160 + 16 + 24
    for number, map_ in enumerate(maps):
        band, column = divmod(number, 2)
        top, left = 16 + 24 + 2 * band * step, 16 + column * 176
        expected = cells(map_, 4.0, side=160)
        np.testing.assert_array_equal(pixels[top : top + 160, left : left + 160], expected)
    left, top = 16 + 176, 16 + 24 + step
    blank = pixels[top : top + 60, left : left + 160]
    assert len(np.unique(blank.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("name", [r"$\bill$", "$5"])
def test_a_class_name_between_dollar_signs_is_not_a_formula(name):
    images, maps, rows = gallery_of(1)
    assert decoded(*figures.gallery(images, [scaled(maps)], rows, (name, name, name))).size


def scaled(maps: np.ndarray, notes: list[str] | None = None) -> Scaled:
    series = Series(maps, ["GradCAM"] * len(maps), notes or [""] * len(maps))
    return Scaled(UNIT, [series])


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
    """Pixels of a picture, which is large enough to read and small enough for a page."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert all(150 < side < 4000 for side in image.size)
        return np.asarray(image.convert("RGB"))


def assert_shown(pixels: np.ndarray, picture: np.ndarray, band: int, column: int) -> None:
    np.testing.assert_array_equal(tile_of(pixels, (6, 8), band, column), picture)


def tile_of(pixels: np.ndarray, shape: tuple[int, ...], band: int, column: int) -> np.ndarray:
    """A tile of the gallery: pictures lie below two title lines, maps below one."""
    top = 16 + 48 + band * (256 + 16 + 24)
    left = 16 + column * (256 + 16)
    return pixels[top : top + 32 * shape[0], left : left + 32 * shape[1]]
