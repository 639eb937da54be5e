"""Duplicates compared with a search over all pairs."""

from __future__ import annotations

import numpy as np

from cifar_lab.data.duplicates import duplicates


def test_pairs_are_those_of_a_search_of_every_pair():
    generator = np.random.default_rng(0)
    # A single pixel with two bits per channel: many images are equal.
    images = generator.integers(0, 2, (40, 1, 2, 3), dtype=np.uint8)
    others = generator.integers(0, 2, (30, 1, 2, 3), dtype=np.uint8)
    expected = []
    for row, other in enumerate(others):
        equal = [n for n, image in enumerate(images) if (image == other).all()]
        expected += [(equal[0], row)] if equal else []
    assert duplicates(images, others) == expected
    assert 0 < len(expected) < 30


def test_images_that_differ_in_one_bit_are_no_duplicates():
    images = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    other = images.copy()
    other[0, 3, 3, 2] = 1
    assert duplicates(images, other) == []
    assert duplicates(images, images) == [(0, 0)]
