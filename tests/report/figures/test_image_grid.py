"""Image grids: pixels enlarged as squares, and maps whose colours show their sign."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.report.figures.image_grid import SHADE, bar_colours, cells, enlarged, overlay

IMAGE = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize(("side", "times"), [(6, 1), (11, 1), (12, 2), (256, 42)])
def test_every_pixel_becomes_a_square_as_large_as_fits(side, times):
    expected = np.kron(IMAGE, np.ones((times, times, 1), dtype=np.uint8))
    np.testing.assert_array_equal(enlarged(IMAGE, side), expected)


def test_a_picture_larger_than_its_place_is_made_smaller_in_proportion():
    large = IMAGE.repeat(100, 0).repeat(100, 1)
    assert enlarged(large, 256).shape == (171, 256, 3)


def test_red_speaks_for_the_class_and_blue_against_it():
    grey = np.full((2, 2, 3), 120, np.uint8)
    red, _, blue = overlay(grey, np.full((1, 1), 3.0, np.float32), 3.0, side=2)[0, 0].astype(int)
    assert red > blue + 30
    red, _, blue = overlay(grey, np.full((1, 1), -3.0, np.float32), 3.0, side=2)[0, 0].astype(int)
    assert blue > red + 30


def test_nothing_attributed_leaves_the_grey_image_lighter():
    shown = overlay(IMAGE, np.zeros((2, 3), np.float32), 1.0, side=6)
    nothing = np.array([247, 247, 247])  # the middle of the colour map
    luma = IMAGE @ np.array([[0.299], [0.587], [0.114]])  # ITU-R BT.601
    expected = (1 - SHADE * (1 - luma / 255)) * nothing
    assert np.abs(shown - expected).max() <= 2


def test_equal_values_have_one_hue_whatever_lies_below_and_over_white_the_bars_colour():
    grey = np.repeat(np.linspace(0, 255, 6).astype(np.uint8)[None, :, None], 3, axis=2)
    for value in (1.0, 0.5, -0.25, -1.0):
        shown = overlay(grey, np.full((1, 1), value, np.float32), 1.0, side=6)[0].astype(float)
        shares = shown / shown.sum(axis=1, keepdims=True)
        assert np.abs(shares - shares[-1]).max() < 0.01  # rounding to whole levels
        place = round((1 - value) / 2 * 1000)
        assert np.abs(shown[-1] - bar_colours(1001)[place]).max() <= 3


def test_every_cell_of_a_map_covers_its_share_of_the_image_without_smoothing():
    left = np.array([[5.0, -5.0]], dtype=np.float32)
    shown = overlay(np.full((4, 8, 3), 128, np.uint8), left, 5.0, side=8).astype(int)
    assert (shown[:, :4, 0] > shown[:, :4, 2] + 30).all()
    assert (shown[:, 4:, 2] > shown[:, 4:, 0] + 30).all()
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 2


def test_the_first_row_of_a_map_is_at_the_top():
    top = np.array([[5.0], [0.0], [-5.0]], dtype=np.float32)
    shown = overlay(np.full((6, 4, 3), 128, np.uint8), top, 5.0, side=6).astype(int)
    assert (shown[:2, :, 0] > shown[:2, :, 2] + 30).all()
    assert (shown[4:, :, 2] > shown[4:, :, 0] + 30).all()
    alone = cells(top, 5.0, side=3).astype(int)
    assert alone[0, 0, 0] > alone[0, 0, 2]
    assert alone[-1, 0, 2] > alone[-1, 0, 0]


def test_a_map_alone_is_white_where_nothing_is_and_mirrors_its_colours():
    shown = cells(np.array([[1.0, 0.0, -1.0]], np.float32), 1.0, side=3).astype(int)
    red, white, blue = shown[0]
    assert white.min() > 240
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_a_map_of_zeros_alone_is_white():
    assert cells(np.zeros((2, 2), np.float32), 0.0, side=2).min() > 240
