"""Weather: brightness against OpenCV's HSV, and what snow, frost and fog do to an image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cifar_lab.data.corruptions.weather import brightness, clouds, fog, frost, grey, snow

IMAGES = np.random.default_rng(0).random((4, 32, 32, 3)).astype(np.float32)


def streams(count: int = 4) -> list[np.random.Generator]:
    return [np.random.default_rng(row) for row in range(count)]


def test_brightness_raises_the_value_of_hsv():
    found = brightness(IMAGES, 0.2, [])
    for image, bright in zip(IMAGES, found, strict=True):
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 2] = np.minimum(hsv[..., 2] + 0.2, 1)
        np.testing.assert_allclose(bright, cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), atol=1e-4)
    black = np.zeros((1, 4, 4, 3), np.float32)
    np.testing.assert_allclose(brightness(black, 0.2, []), 0.2)


def test_clouds_fill_their_range_and_are_smoother_the_faster_they_decay():
    rough, smooth = (clouds(streams(), 32, 32, decay) for decay in (0.9, 0.2))
    for found in (rough, smooth):
        np.testing.assert_allclose(found.min(axis=(1, 2)), 0, atol=1e-6)
        np.testing.assert_allclose(found.max(axis=(1, 2)), 1, atol=1e-6)
    assert np.abs(np.diff(rough)).mean() > 1.5 * np.abs(np.diff(smooth)).mean()


@pytest.mark.parametrize("weather", [
    lambda images: fog(images, (0.5, 0.6), streams()),
    lambda images: snow(images, (0.03, 0.4), streams()),
])  # fmt: skip
def test_fog_and_snow_whiten_dark_images_and_take_contrast(weather):
    dark = IMAGES * 0.3
    found = weather(dark)
    assert (found >= dark - 1e-6).all()
    assert found.mean() > dark.mean() + 0.1
    assert found.max() <= 1 + 1e-6


def test_ice_grows_from_the_border():
    black = np.zeros((32, 32, 32, 3), np.float32)
    found = grey(frost(black, (0.8, 0.4), streams(32)))[..., 0].mean(axis=0)
    assert found[[0, -1]].mean() > 1.5 * found[12:20, 12:20].mean()
    bare = frost(IMAGES, (0.8, 0.0), streams())
    np.testing.assert_allclose(bare, 0.8 * IMAGES, atol=1e-6)


def test_flakes_are_as_many_as_their_share():
    black = np.zeros((32, 32, 32, 3), np.float32)
    few, many = (snow(black, (share, 0.0), streams(32)).mean() for share in (0.01, 0.02))
    assert many == pytest.approx(2 * few, rel=0.2)
