"""Tests that a held-out split has the images that it should have, in their order."""

from __future__ import annotations

import numpy as np

from cifar_lab.data.held_out import held_out


def test_the_test_images_are_all_of_the_sources(digits):
    split, test = held_out(digits, "test"), digits.source.test
    assert len(split) == len(test) == 360
    np.testing.assert_array_equal(split.labels, test.labels)
    np.testing.assert_array_equal(split.sample_ids, test.sample_ids)
    np.testing.assert_array_equal(split.images(np.array([3, 0])), test.images[[3, 0]])


def test_the_validation_images_are_the_held_out_rows(digits):
    split, train, rows = held_out(digits, "validation"), digits.source.train, digits.val_indices
    assert split.name == "validation"
    assert len(split) == len(rows) == 144
    assert split.class_names == train.class_names
    np.testing.assert_array_equal(split.labels, train.labels[rows])
    np.testing.assert_array_equal(split.sample_ids, train.sample_ids[rows])
    np.testing.assert_array_equal(split.images(np.array([143, 2])), train.images[rows[[143, 2]]])
    np.testing.assert_array_equal(split.images(np.arange(0)), train.images[:0])
