"""Sources: correct images, splits and statistics."""

from __future__ import annotations

import typing

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from sklearn.datasets import load_digits

from cifar_lab.data.sources import Digits, Source
from cifar_lab.refusal import Refusal
from tests.data.sources import SPLIT, folder_source


def test_digits_are_those_of_scikit_learn_in_blocks_of_four_by_four(digits):
    originals = load_digits()
    for arrays in (digits.source.train, digits.source.test):
        assert arrays.images.dtype == np.uint8
        assert arrays.class_names == tuple("0123456789")
        rows = [int(name.removeprefix("digits/")) for name in arrays.sample_ids]
        expected = np.kron(originals.images[rows] * (255 / 16), np.ones((4, 4)))
        np.testing.assert_allclose(arrays.images[..., 0], expected, atol=0.5)
        assert (arrays.images == arrays.images[..., :1]).all()
        np.testing.assert_array_equal(arrays.labels, originals.target[rows])
        assert (arrays.original_sizes() == originals.images.shape[1:]).all()


def test_a_fifth_of_the_digits_is_for_testing_whatever_the_split_seed(digits):
    train, test = digits.source.train.sample_ids, digits.source.test.sample_ids
    assert (len(train), len(test)) == (1437, 360)
    assert len({*train, *test}) == 1797
    again = Digits(**SPLIT | {"split_seed": 5, "validation_fraction": 0.3}).load()
    np.testing.assert_array_equal(again.source.test.sample_ids, test)
    assert again.source.fingerprint == digits.source.fingerprint


def test_validation_is_split_off_the_training_images(digits):
    rows = [*digits.train_indices, *digits.val_indices]
    assert sorted(rows) == list(range(len(digits.source.train)))
    assert len(digits.val_indices) == 144  # a tenth, rounded up


def test_the_split_seed_alone_chooses_the_validation_images():
    first, again, other = (
        Digits(**SPLIT | {"validation_fraction": 0.1, "split_seed": seed}).load().val_indices
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_mean_and_deviation_are_those_of_the_images_trained_on(digits):
    pixels = digits.source.train.images[digits.train_indices] / 255
    np.testing.assert_allclose(digits.mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(digits.std, pixels.std(axis=(0, 1, 2)), rtol=1e-9)
    everything = digits.source.train.images / 255
    assert (digits.mean != everything.mean(axis=(0, 1, 2))).all()


def test_a_given_mean_and_deviation_are_kept():
    dataset = Digits(**SPLIT | {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}).load()
    np.testing.assert_array_equal(dataset.mean, [0.1, 0.2, 0.3])
    np.testing.assert_array_equal(dataset.std, [0.4, 0.5, 0.6])


def test_a_channel_without_any_contrast_is_refused_unless_its_deviation_is_given(tmp_path):
    root = tmp_path / "images"
    for split in ("train", "test"):
        for name, colour in {"ant": (0, 50, 7), "bee": (100, 150, 7)}.items():
            (root / split / name).mkdir(parents=True)
            Image.new("RGB", (8, 8), colour).save(root / split / name / "0.png")
    message = r"a channel of the training images has standard deviation 0: .+; set dataset\.std"
    with pytest.raises(Refusal, match=message):
        folder_source(root, tmp_path).load()
    dataset = folder_source(root, tmp_path, std=(0.2, 0.2, 0.2)).load()
    np.testing.assert_allclose(dataset.mean, [50 / 255, 100 / 255, 7 / 255])


def test_a_limit_takes_from_the_training_rows_and_leaves_validation_as_it_was(digits):
    dataset = Digits(**SPLIT | {"validation_fraction": 0.1, "limit_train_images": 100}).load()
    assert len(dataset.train_indices) == 100
    assert np.isin(dataset.train_indices, digits.train_indices).all()
    np.testing.assert_array_equal(dataset.val_indices, digits.val_indices)


SPLITS = [
    {"validation_fraction": 0.0},
    {"validation_fraction": 0.3, "limit_train_images": 4},
    {"validation_fraction": 0.25, "limit_train_images": 1000, "mean": (0.5, 0.25, 0.125)},
]


@pytest.mark.parametrize("split", SPLITS)
def test_the_outline_before_loading_matches_the_loaded_data(image_folder, tmp_path, split):
    resized = folder_source(image_folder, tmp_path / "cache", **split, resize=16)
    told = resized.outline()
    assert not (tmp_path / "cache").exists()
    loaded = resized.load().outline()
    assert told.mean == split.get("mean")
    assert told.or_else(loaded) == loaded
    assert None not in (told.classes, told.image_size, told.images, told.train_images)
    digits = Digits(**SPLIT | split | {"limit_train_images": 100})
    loaded = digits.load().outline()
    assert digits.outline().or_else(loaded) == loaded
    assert (loaded.images, loaded.train_images) == (1437, 100)


def test_digits_are_always_at_hand():
    assert Digits(**SPLIT).at_hand()


THREE = r"must be three numbers from 0 to 1, for R, G and B: the mean of pixels / 255; divide"
POSITIVE = r"must be three finite numbers above 0, for R, G and B"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("mean", [125.3, 122.9, 113.8], THREE),
        ("mean", [0.5, 0.5], THREE),
        ("mean", [0.5, float("nan"), 0.5], THREE),
        ("mean", [0.5, -0.1, 0.5], THREE),
        ("std", [0, 0.2, 0.2], POSITIVE),
        ("std", [0.2, 0.2, float("inf")], POSITIVE),
        ("std", [0.2] * 4, POSITIVE),
    ],
)
def test_a_mean_or_deviation_out_of_range_is_told_what_it_should_be(key, value, message):
    checked = TypeAdapter(typing.get_type_hints(Source, include_extras=True)[key])
    with pytest.raises(ValidationError, match=message) as found:
        checked.validate_python(value)
    assert len(found.value.errors()) == 1
    assert checked.validate_python((0.0 + (key == "std"), 1, 0.5)) is not None
    assert checked.validate_python(None) is None
