"""The validation split: a partition of the rows that preserves class proportions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.data.splits import left_to_train, limited, stratified_split
from cifar_lab.refusal import Refusal

#: Three classes of different sizes, mixed.
COUNTS = np.array([200, 100, 40])
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(3), COUNTS))


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_split_is_disjoint_complete_and_ascending(fraction, seed):
    train, val = stratified_split(LABELS, fraction, seed)
    assert sorted([*train, *val]) == list(range(len(LABELS)))
    assert len(val) == round(fraction * len(LABELS))
    for rows in (train, val):
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.33, 0.5])
def test_each_class_gives_its_share_to_within_one_image(fraction):
    _, val = stratified_split(LABELS, fraction, seed=0)
    assert (np.abs(np.bincount(LABELS[val]) - fraction * COUNTS) <= 1).all()


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    first, again, other = (stratified_split(LABELS, 0.2, seed)[1] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < len(first)


def test_the_split_does_not_depend_on_the_global_random_stream():
    np.random.seed(1)
    first = stratified_split(LABELS, 0.2, seed=0)[1]
    np.random.seed(2)
    np.testing.assert_array_equal(stratified_split(LABELS, 0.2, seed=0)[1], first)


def test_a_fraction_of_zero_holds_out_nothing():
    train, val = stratified_split(LABELS, 0, seed=0)
    np.testing.assert_array_equal(train, np.arange(len(LABELS)))
    assert len(val) == 0
    assert val.dtype == np.int64


@pytest.mark.parametrize(
    ("labels", "fraction"),
    [
        pytest.param([0, 0, 0, 0, 1], 0.4, id="a class of one image"),
        pytest.param([0, 1, 2] * 3, 0.1, id="fewer validation images than classes"),
    ],
)
def test_a_class_without_its_share_is_refused(labels, fraction):
    message = (
        rf"dataset\.validation_fraction={fraction} of {len(labels)} training images leaves a class "
        r"without its share \(.+\); raise it, set it to 0, or add images"
    )
    with pytest.raises(Refusal, match=message):
        stratified_split(np.array(labels), fraction, seed=0)


@pytest.mark.parametrize("limit", [17, 34, 170, 271])
def test_a_limit_keeps_so_many_of_the_rows_and_each_class_share(limit):
    rows = np.flatnonzero(np.arange(len(LABELS)) % 5)  # four fifths, as after a validation split
    kept = limited(rows, LABELS, limit, seed=0)
    assert len(kept) == limit
    assert np.isin(kept, rows).all()
    assert (np.diff(kept) > 0).all()
    expected = np.bincount(LABELS[rows]) * limit / len(rows)
    assert (np.abs(np.bincount(LABELS[kept], minlength=3) - expected) <= 1).all()


@pytest.mark.parametrize("limit", [None, 60, 1000])
@pytest.mark.parametrize("fraction", [0, 0.1, 0.25, 1 / 3, 0.7])
@pytest.mark.parametrize("images", [120, 121, 339, 340])
def test_how_many_are_left_to_train_is_known_before_the_labels_are(images, fraction, limit):
    labels = LABELS[:images]
    train, _ = stratified_split(labels, fraction, seed=1)
    left = limited(train, labels, limit, seed=1)
    assert left_to_train(images, fraction, limit) == len(left)


@pytest.mark.parametrize("limit", [None, 340, 1000])
def test_without_a_limit_or_with_a_large_one_all_rows_stay(limit):
    rows = np.arange(len(LABELS))
    np.testing.assert_array_equal(limited(rows, LABELS, limit, seed=0), rows)


def test_the_same_seed_keeps_the_same_rows_and_another_seed_others():
    rows = np.arange(len(LABELS))
    first, again, other = (limited(rows, LABELS, 50, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) < len(first)


def test_a_limit_below_the_number_of_classes_is_refused():
    message = r"dataset\.limit_train_images=2 is too few to give every class its share \(.+\)"
    with pytest.raises(Refusal, match=message):
        limited(np.arange(len(LABELS)), LABELS, 2, seed=0)


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_not_separated_and_the_fraction_is_of_distinct_images(seed):
    copies = np.random.default_rng(seed).integers(0, 60, len(LABELS))
    kept, held_out = stratified_split(LABELS, 0.25, seed, copies)
    assert sorted([*kept, *held_out]) == list(range(len(LABELS)))
    assert not set(copies[kept]) & set(copies[held_out])
    assert len(set(copies[held_out])) == math.ceil(0.25 * len(set(copies)))


def test_without_copies_the_split_is_the_same_whether_they_are_looked_for_or_not():
    numbers = np.random.default_rng(0).permutation(len(LABELS))
    for plain, looked in zip(
        stratified_split(LABELS, 0.2, 1), stratified_split(LABELS, 0.2, 1, numbers), strict=True
    ):
        np.testing.assert_array_equal(plain, looked)


def test_a_test_split_without_its_share_is_refused_by_its_own_key():
    with pytest.raises(Refusal, match=r"dataset\.test_fraction=0\.001 of .*; change it, or add"):
        stratified_split(LABELS, 0.001, 0, key="dataset.test_fraction")
