"""Digital processing: closed forms, Pillow and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from cifar_lab.data.corruptions.digital import (
    as_bytes,
    contrast,
    elastic_transform,
    jpeg_compression,
    pixelate,
)

BYTES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
IMAGES = BYTES.astype(np.float32) / 255


def test_bytes_are_rounded_and_kept_in_range():
    np.testing.assert_array_equal(as_bytes(IMAGES), BYTES)
    np.testing.assert_array_equal(as_bytes(np.float32([-1, 0.5001, 2])), [0, 128, 255])


def test_contrast_keeps_the_mean_and_scales_the_deviation():
    found = contrast(IMAGES, 0.4, [])
    np.testing.assert_allclose(found.mean(axis=(1, 2)), IMAGES.mean(axis=(1, 2)), atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(1, 2)), 0.4 * IMAGES.std(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(contrast(IMAGES, 1.0, []), IMAGES, atol=1e-6)


def test_pixelating_is_opencvs_area_and_nearest_interpolation():
    for share, side in ((0.5, 16), (0.25, 8)):
        expected = [
            cv2.resize(
                cv2.resize(each, (side, side), interpolation=cv2.INTER_AREA),
                (32, 32),
                interpolation=cv2.INTER_NEAREST,
            )
            for each in IMAGES
        ]
        np.testing.assert_allclose(pixelate(IMAGES, share, []), expected, atol=1e-5)


def test_jpeg_is_decoded_by_opencv_alike(tmp_path):
    found = jpeg_compression(IMAGES, 30, [])
    for number, image in enumerate(BYTES):
        Image.fromarray(image).save(tmp_path / "x.jpg", quality=30)
        again = cv2.imread(str(tmp_path / "x.jpg"))[..., ::-1]
        assert np.abs(found[number] * 255 - again).mean() < 2


@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_elastic_moves_by_at_most_twice_the_shift_and_smoothly(shift):
    rows = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None, None], (32, 32, 3))
    ramp = np.stack([rows, rows]) / 31
    streams = [np.random.default_rng(row) for row in range(2)]
    moved = (elastic_transform(ramp, shift, streams) - ramp)[:, 8:-8, :, 0] * 31
    assert 0.3 * shift < np.abs(moved).max() <= 2 * shift + 1e-3
    assert np.abs(np.diff(moved, axis=2)).max() < shift
