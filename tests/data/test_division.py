"""Test images that are split off by a rule."""

from __future__ import annotations

import os

import numpy as np
import pytest

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.division import divided
from cifar_lab.refusal import Refusal


def test_every_image_is_on_one_side_with_its_label_name_and_size(tmp_path):
    images = arrays()
    train, test = divided(images, 0.25, 0, True, tmp_path)
    assert (len(train), len(test)) == (30, 10)
    assert np.bincount(test.labels).tolist() == [5, 5]
    assert sorted([*train.sample_ids, *test.sample_ids]) == sorted(images.sample_ids)
    for part in (train, test):
        rows = [int(name) for name in part.sample_ids]
        np.testing.assert_array_equal(part.images, images.images[rows])
        np.testing.assert_array_equal(part.labels, images.labels[rows])
        np.testing.assert_array_equal(part.file_sizes, images.file_sizes[rows])
    for name, part in (("train", train), ("test", test)):
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}_images.npy"), part.images)
    assert len(os.listdir(tmp_path)) == 2


def test_the_seed_alone_chooses(tmp_path):
    first, again, other = (
        divided(arrays(), 0.25, seed, True, tmp_path)[1].sample_ids.tolist() for seed in (3, 3, 4)
    )
    assert first == again != other


@pytest.mark.parametrize("seed", range(5))
def test_exact_copies_stay_on_one_side(tmp_path, seed):
    images = arrays()
    images.images[1::2] = images.images[::2]  # everything is there twice, with both labels
    train, test = divided(images, 0.5, seed, True, tmp_path)
    assert (len(train), len(test)) == (20, 20)
    assert not {image.tobytes() for image in train.images} & {i.tobytes() for i in test.images}
    apart = divided(images, 0.5, seed, False, tmp_path)
    assert {i.tobytes() for i in apart[0].images} & {i.tobytes() for i in apart[1].images}


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(Refusal, match=r"dataset\.test_fraction=0\.02 of 40 .*; change it, or add"):
        divided(arrays(), 0.02, 0, True, tmp_path)


def arrays() -> ImageArrays:
    generator = np.random.default_rng(0)
    return ImageArrays(
        images=generator.integers(0, 256, (40, 4, 3, 3), dtype=np.uint8),
        labels=np.arange(40) % 2,
        class_names=("ant", "bee"),
        sample_ids=np.array([str(row) for row in range(40)]),
        file_sizes=generator.integers(1, 9, (40, 2), dtype=np.int32),
    )
