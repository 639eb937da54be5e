"""Pairs of images, checked by their pixels and titles."""

from __future__ import annotations

import numpy as np

from cifar_lab.report.figures.image_pairs import image_pairs
from tests.report.figures.test_images import decoded


def test_the_images_of_a_pair_stand_side_by_side_below_their_title(titles):
    images = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    pairs = [(images[n], images[n + 5]) for n in range(5)]
    pixels = decoded(image_pairs(pairs, ["a\nb", "c", "d", "e", "f"]))
    assert titles == ["a\nb", "c", "d", "e", "f"]
    large = images.repeat(4, 1).repeat(4, 2)
    for number, (top, left) in {0: (64, 16), 3: (64, 16 + 3 * 280), 4: (232, 16)}.items():
        np.testing.assert_array_equal(pixels[top : top + 128, left : left + 128], large[number])
        right = left + 128 + 8
        np.testing.assert_array_equal(
            pixels[top : top + 128, right : right + 128], large[number + 5]
        )
        assert (pixels[top : top + 128, left + 128 : right] == 255).all()
    assert pixels.shape[:2] == (232 + 128 + 16, 16 + 4 * 280)
