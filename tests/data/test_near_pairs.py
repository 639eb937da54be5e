"""Pairs by split, worked out by hand."""

from __future__ import annotations

import numpy as np

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.data.held_out import held_out
from cifar_lab.data.near_duplicates import NearDuplicates
from cifar_lab.data.near_pairs import counterparts, near_pairs, near_trained_on


def dataset() -> Dataset:
    """Rows 0, 2 and 4 are trained on, 1 is for validation, 3 is not used; two test images."""
    train, test = (
        ImageArrays(
            np.zeros((number, 4, 4, 3), np.uint8),
            np.arange(number) % 2,
            ("a", "b"),
            np.asarray([f"{name}{row}" for row in range(number)]),
        )
        for name, number in (("train", 5), ("test", 2))
    )
    source = SourceImages(train, test, "")
    return Dataset(source, np.asarray([4, 0, 2]), np.asarray([1]), np.zeros(3), np.ones(3))


def found(*pairs: tuple[int, int]) -> NearDuplicates:
    number = len(pairs)
    alike = np.linspace(0.9, 0.8, number)
    return NearDuplicates(np.asarray(pairs), alike, np.arange(number) == 0)


PAIRS = found((0, 5), (1, 4), (0, 3), (1, 6), (4, 6), (2, 5), (0, 2))


def test_pairs_name_both_images_and_leave_out_those_that_are_not_used():
    pairs = near_pairs(dataset(), PAIRS)
    assert [(p.first.sample_id, p.second.sample_id, p.splits) for p in pairs] == [
        ("train0", "test0", ("train", "test")),
        ("train4", "train1", ("train", "val")),
        ("train1", "test1", ("val", "test")),
        ("train4", "test1", ("train", "test")),
        ("train2", "test0", ("train", "test")),
        ("train0", "train2", ("train", "train")),
    ]
    assert [p.conflict for p in pairs] == [False, True, False, True, False, False]
    assert [p.mirrored for p in pairs] == [True] + [False] * 5
    assert (pairs[3].second.row, pairs[3].second.label) == (1, 1)


def test_images_are_counted_once_however_many_near_duplicates_they_have():
    pairs = near_pairs(dataset(), PAIRS)
    assert counterparts(pairs, "test", "train") == {0: False, 1: True}
    assert counterparts(pairs, "val", "train") == {1: True}
    assert counterparts(pairs, "test", "val") == {1: False}
    assert counterparts(pairs, "val", "test") == {1: False}
    assert counterparts(pairs, "train", "train") == {0: False, 2: False}
    assert counterparts(pairs, "test", "test") == {}


def test_only_images_trained_on_make_a_test_image_seen():
    data = dataset()
    pairs = near_pairs(data, found((1, 5), (3, 5), (4, 6)))
    assert near_trained_on(pairs, held_out(data, "test")).tolist() == [False, True]
    pairs = near_pairs(data, found((1, 2), (1, 5)))
    assert near_trained_on(pairs, held_out(data, "validation")).tolist() == [True]
