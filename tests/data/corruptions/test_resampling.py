"""Filters and resampling against scipy and OpenCV."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from scipy import ndimage

from cifar_lab.data.corruptions.resampling import (
    convolved,
    disk,
    enlarged,
    gaussian,
    line,
    sampled,
    shrunk,
    smoothed,
    stretched,
)

IMAGES = np.random.default_rng(0).random((2, 14, 11, 3)).astype(np.float32)


def test_a_filter_is_scipys():
    kernel = np.random.default_rng(1).random((3, 5)).astype(np.float32)
    expected = ndimage.correlate(IMAGES, kernel[None, :, :, None], mode="mirror")
    np.testing.assert_allclose(convolved(IMAGES, kernel), expected, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_smoothing_is_scipys(sigma):
    expected = ndimage.gaussian_filter(
        IMAGES, (0, sigma, sigma, 0), mode="mirror", radius=math.ceil(4 * sigma)
    )
    np.testing.assert_allclose(smoothed(IMAGES, sigma), expected, atol=1e-5)
    np.testing.assert_array_equal(gaussian(0.0), [1])


@pytest.mark.parametrize("radius", [0.9, 1.5, 3.2])
def test_a_disk_covers_its_area_evenly(radius):
    kernel = disk(radius).astype(np.float64)
    assert kernel.sum() == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(kernel, kernel[::-1].T)
    # Along an axis, a disk has variance r² / 4, and rounding to whole pixels adds 1 / 12.
    places = np.arange(len(kernel)) - len(kernel) // 2
    variance = (kernel.sum(axis=1) * places**2).sum()
    assert variance == pytest.approx(radius**2 / 4 + 1 / 12, abs=0.07)
    assert kernel.max() == pytest.approx(1 / (math.pi * radius**2), rel=0.06)


def test_a_disk_within_a_pixel_leaves_the_image():
    np.testing.assert_array_equal(disk(0.5), [[1]])


@pytest.mark.parametrize("degrees", [0, 45, 90, 120])
def test_a_line_has_its_length_and_angle(degrees):
    kernel = line(7.0, math.radians(degrees)).astype(np.float64)
    assert kernel.sum() == pytest.approx(1, rel=1e-5)
    places = np.arange(len(kernel)) - len(kernel) // 2
    down, right = np.meshgrid(places, places, indexing="ij")
    moments = [(kernel * each).sum() for each in (down, right, down**2 + right**2)]
    np.testing.assert_allclose(moments[:2], 0, atol=1e-5)
    assert moments[2] == pytest.approx(7**2 / 12, rel=0.1)  # of a uniform distribution
    angle = math.degrees(
        math.atan2(2 * (kernel * down * right).sum(), (kernel * (right**2 - down**2)).sum()) / 2
    )
    assert angle % 180 == pytest.approx(degrees, abs=1)


def test_sampling_is_scipys_linear_interpolation():
    stream = np.random.default_rng(2)
    rows = stream.uniform(-2, 16, (2, 6, 7)).astype(np.float32)
    columns = stream.uniform(-2, 13, (2, 6, 7)).astype(np.float32)
    found = sampled(IMAGES, rows, columns)
    for n in range(2):
        for channel in range(3):
            expected = ndimage.map_coordinates(
                IMAGES[n, ..., channel], [rows[n], columns[n]], order=1, mode="nearest"
            )
            np.testing.assert_allclose(found[n, ..., channel], expected, atol=1e-5)
    down, right = (stream.uniform(0, 10, 5).astype(np.float32) for _ in range(2))
    grid = np.meshgrid(down, right, indexing="ij")
    np.testing.assert_allclose(stretched(IMAGES, down, right), sampled(IMAGES, *grid), atol=1e-6)


def test_enlarging_keeps_corners_and_straight_lines():
    ramp = np.arange(3, dtype=np.float32)[None, :, None] + np.zeros((1, 3, 4), np.float32)
    np.testing.assert_allclose(
        enlarged(ramp, 9, 9)[0], np.repeat(np.linspace(0, 2, 9)[:, None], 9, axis=1), atol=1e-6
    )


def test_shrinking_is_opencvs_area_interpolation():
    for height, width in ((7, 11), (9, 5), (1, 1)):
        expected = [cv2.resize(each, (width, height), interpolation=cv2.INTER_AREA)
                    for each in IMAGES]  # fmt: skip
        np.testing.assert_allclose(shrunk(IMAGES, height, width), expected, atol=2e-5)
