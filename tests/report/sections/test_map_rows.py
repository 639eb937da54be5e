"""Rows of maps have the colours of the figures, at the size of the images."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from cifar_lab.report.blocks import Picture
from cifar_lab.report.figures.attribution import Scaled, Series
from cifar_lab.report.figures.image_grid import overlay
from cifar_lab.report.sections.map_rows import beside_images, means

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
MAPS = np.asarray([[[1.0, -1.0], [0.0, 4.0]], [[-1.0, -2.0], [-3.0, -4.0]]], np.float32)
DRAWN = Picture("maps", b"png", "Part 1 of 1: maps of two", "caption")


def pixels(html: str) -> list[np.ndarray]:
    found = re.findall(r'<img src="data:image/png;base64,(.*?)" alt="(?!colour scale)', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each)))) for each in found]


def test_each_image_stands_before_its_maps_on_the_scale_of_all():
    group = Scaled("logits per cell", [Series(MAPS, ["CAM\ncat: 2.00"] * 2, ["", ""])])
    (chart,) = beside_images(IMAGES, ["gradcam"], [group], [["a"], ["قطة"]], [DRAWN])
    image, map_, second, negative = pixels(chart.html)
    np.testing.assert_array_equal(image, IMAGES[0])
    np.testing.assert_array_equal(second, IMAGES[1])
    np.testing.assert_array_equal(map_, overlay(IMAGES[0], MAPS[0], 4.0, 4))
    np.testing.assert_array_equal(negative, overlay(IMAGES[1], MAPS[1], 4.0, 4))
    assert chart.html.count("<span>all negative</span>") == 1
    assert "GradCAM, logits per cell" in chart.html
    assert "<bdi>قطة</bdi>" in chart.html
    assert 'aria-label="maps of two"' in chart.html
    assert chart.pictures == [DRAWN]


def test_a_map_without_colours_is_grey_and_says_why():
    group = Scaled("logits", [Series(MAPS, ["", ""], ["too weak", ""])])
    (chart,) = beside_images(IMAGES, ["hirescam"], [group], [["a"], ["b"]], [DRAWN])
    grey = pixels(chart.html)[1]
    assert (grey[..., 0] == grey[..., 1]).all()
    assert "<span>too weak</span>" in chart.html


def test_mean_maps_stand_by_class_with_the_methods_beside_each_other():
    groups = [Scaled("u", [Series(MAPS * n, ["", ""], ["", "too weak"])]) for n in (1, 2)]
    (chart,) = means(["hirescam", "gradcam"], groups, [["cat, n=2"], ["dog, n=1"]], DRAWN)
    rows = re.findall(r'<p class="name"><span>(.*?)</span>', chart.html)
    assert rows == ["cat, n=2", "dog, n=1"]
    first, second, *weak = pixels(chart.html)
    assert first.shape == (2, 2, 3)
    # Each method has its own scale, so that the same pattern has the same colours.
    np.testing.assert_array_equal(first, second)
    assert all(len(np.unique(each)) == 1 for each in weak)
    assert chart.html.count("too weak</span>") == 2
