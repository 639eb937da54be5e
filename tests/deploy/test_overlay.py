"""Maps over images: colours, proportions and maps that say nothing."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from cifar_lab.deploy.overlay import colours, overlay, shown

BLACK = np.zeros((8, 8, 3), np.uint8)
LEVELS = np.linspace(-1, 1, 201, dtype=np.float32)


def test_signed_colours_are_those_of_matplotlib():
    expected = 255 * matplotlib.colormaps["RdBu_r"]((LEVELS + 1) / 2)[:, :3]
    found = colours(LEVELS[None], signed=True)[0]
    np.testing.assert_allclose(found, expected, atol=3)  # its table has 256 entries


def test_positive_colours_are_nearly_those_of_matplotlib():
    at = np.linspace(0, 1, 201, dtype=np.float32)
    expected = 255 * matplotlib.colormaps["inferno"](at)[:, :3]
    np.testing.assert_allclose(colours(at[None], signed=False)[0], expected, atol=6)


def test_cells_cover_their_share_in_the_colour_of_their_value():
    map_ = np.asarray([[1, -2], [0, 2]], np.float32)
    found = overlay(BLACK, map_, 1.0, signed=True, side=6)
    assert found.shape == (6, 6, 3)
    for row in range(2):
        for column in range(2):
            cell = found[3 * row : 3 * row + 3, 3 * column : 3 * column + 3].reshape(-1, 3)
            expected = np.rint(colours(map_[row : row + 1, column : column + 1] / 2, True)[0, 0])
            assert (cell == expected).all()


def test_negative_values_count_as_nothing_unless_signed():
    map_ = np.asarray([[-5, 0], [1, 0.5]], np.float32)
    clipped = np.maximum(map_, 0)
    found = overlay(BLACK, map_, 0.7, signed=False, side=8)
    np.testing.assert_array_equal(found, overlay(BLACK, clipped, 0.7, signed=False, side=8))
    assert (found[4, 0] == np.rint(0.7 * np.asarray((252, 255, 164)))).all()


def test_opacity_blends_with_the_grey_image():
    pixels = np.full((4, 4, 3), (255, 0, 0), np.uint8)  # of luma 76
    map_ = np.ones((1, 1), np.float32)
    assert (overlay(pixels, map_, 0.0, signed=True, side=4) == 76).all()
    red = np.asarray((103, 0, 31))
    found = overlay(pixels, map_, 0.25, signed=True, side=4)
    np.testing.assert_allclose(found[0, 0], 0.75 * 76 + 0.25 * red, atol=0.5)


@pytest.mark.parametrize("map_", [np.zeros((2, 2)), np.full((2, 2), np.nan), [[1, np.inf]]])
@pytest.mark.parametrize("signed", [True, False])
def test_a_map_that_says_nothing_has_no_colours(map_, signed):
    pixels = np.full((4, 4, 3), 90, np.uint8)
    assert (overlay(pixels, np.asarray(map_, np.float32), 0.6, signed, 16) == 90).all()


def test_a_map_without_support_has_no_positive_colours():
    map_ = np.full((2, 2), -1, np.float32)
    assert (overlay(BLACK, map_, 0.6, signed=False, side=4) == 0).all()
    assert (overlay(BLACK, map_, 0.6, signed=True, side=4) != 0).any()


def test_an_image_keeps_its_proportions():
    map_ = np.ones((2, 1), np.float32)
    tall = np.zeros((20, 10, 3), np.uint8)
    for found in (shown(tall, 40), overlay(tall, map_, 0.0, signed=True, side=40)):
        assert found.shape == (40, 40, 3)
        assert (found[:, 10:30] == 0).all()
        assert (found[:, :10] == 255).all()
        assert (found[:, 30:] == 255).all()


def test_smooth_maps_pass_through_values_between_those_of_cells():
    map_ = np.asarray([[0, 1]], np.float32)
    sharp = overlay(BLACK, map_, 1.0, signed=True, side=16)
    smooth = overlay(BLACK, map_, 1.0, signed=True, side=16, smooth=True)
    assert len(np.unique(sharp[0], axis=0)) == 2
    assert len(np.unique(smooth[0], axis=0)) > 4
