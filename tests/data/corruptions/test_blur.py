"""Blur: what each of them keeps and moves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cifar_lab.data.corruptions.blur import (
    DIRECTIONS,
    defocus_blur,
    directions,
    glass_blur,
    motion_blur,
    moved,
    zoom_blur,
)

IMAGES = np.random.default_rng(0).random((3, 32, 32, 3)).astype(np.float32)
POINT = np.zeros((1, 33, 33, 3), np.float32)
POINT[0, 16, 16] = 1


def streams(count: int = 3) -> list[np.random.Generator]:
    return [np.random.default_rng(row) for row in range(count)]


@pytest.mark.parametrize("blur", [
    lambda images: defocus_blur(images, 2.0, streams()),
    lambda images: motion_blur(images, 7.0, streams()),
    lambda images: zoom_blur(images, 1.5, streams()),
    lambda images: glass_blur(images, (1.0, 0.7), streams()),
])  # fmt: skip
def test_an_even_image_stays_even(blur):
    even = np.full_like(IMAGES, 0.3)
    np.testing.assert_allclose(blur(even), even, atol=1e-6)
    found = blur(IMAGES)
    assert found.std() < IMAGES.std()
    assert found.mean() == pytest.approx(IMAGES.mean(), abs=0.01)


def test_out_of_focus_a_point_is_a_disk():
    found = defocus_blur(POINT, 3.0, [])[0, ..., 0]
    rows, columns = np.nonzero(found)
    reach = np.hypot(rows - 16, columns - 16)
    assert 3 <= reach.max() <= 4.5
    assert found[16, 13:20] == pytest.approx(found[16, 16])  # even inside


def test_motion_moves_along_the_direction():
    along = np.array([0, DIRECTIONS // 2])
    still = np.repeat(POINT, 2, axis=0)
    found = moved(still, 7.0, along)[..., 0]
    assert set(np.nonzero(found[0])[0]) == {16}
    assert set(np.nonzero(found[1])[1]) == {16}
    assert np.count_nonzero(found[0]) in (7, 8, 9)
    assert len(set(directions(streams(64)).tolist())) > DIRECTIONS // 2


def test_glass_only_moves_pixels_to_neighbours():
    found = glass_blur(IMAGES, (1.0, 0.0), streams())
    assert sorted(map(tuple, found[0].reshape(-1, 3))) == sorted(
        map(tuple, IMAGES[0].reshape(-1, 3))
    )
    assert not np.array_equal(found, IMAGES)
    np.testing.assert_array_equal(glass_blur(IMAGES, (0.0, 0.0), streams()), IMAGES)


def test_zooming_averages_enlarged_copies():
    found, total = zoom_blur(IMAGES, 1.4, []), np.zeros((32, 32, 3))
    for factor in np.linspace(1, 1.4, 12):
        centred = np.float64([[factor, 0, 15.5 * (1 - factor)], [0, factor, 15.5 * (1 - factor)]])
        total += cv2.warpAffine(IMAGES[0], centred, (32, 32), flags=cv2.INTER_LINEAR)
    # OpenCV rounds places to 1/32 of a pixel.
    np.testing.assert_allclose(found[0], total / 12, atol=0.03)
