"""A data set of a user's own: two methods, what they must return, and when images are kept."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from cifar_lab.data.arrays import Outline
from cifar_lab.data.own import LabelledImages, OwnSource
from cifar_lab.refusal import Refusal
from tests.data.sources import SPLIT

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 6, 6, 3), dtype=np.uint8)
LABELS = np.arange(8) % 2


class Two:
    class_names = ("circle", "square")

    def train(self):
        return IMAGES, LABELS

    def test(self):
        return IMAGES[:4], LABELS[:4]


class FromFile(Two):
    """Counts its reads; the images come from a file."""

    def __init__(self, path):
        self.path, self.reads = path, 0

    def files(self):
        return [self.path]

    def train(self):
        self.reads += 1
        return np.load(self.path), LABELS


def source(made: object, tmp_path, **changes: Any) -> OwnSource:
    settings = {"resize": None, "arguments": {}, **SPLIT, **changes}
    return OwnSource(made=made, cache_dir=str(tmp_path / "cache"), **settings)


def test_two_methods_are_a_data_set(tmp_path):
    own = source(Two(), tmp_path, validation_fraction=0.25)
    own.check()
    assert own.outline() == Outline(classes=2, validated=True)
    dataset = own.load()
    assert dataset.class_names == ("circle", "square")
    np.testing.assert_array_equal(dataset.source.train.images, IMAGES)
    assert len(dataset.val_indices) == 2
    assert dataset.mean.tolist() == pytest.approx(
        (IMAGES[dataset.train_indices] / 255).mean((0, 1, 2)).tolist()
    )
    assert isinstance(own.made, LabelledImages)
    assert not (tmp_path / "cache").exists()  # nothing says when the images change


def test_names_are_numbers_where_the_class_has_none(tmp_path):
    class Unnamed(Two):
        class_names = None

    assert source(Unnamed(), tmp_path).load().class_names == ("0", "1")


def test_a_third_method_gives_the_validation_split(tmp_path):
    class Three(Two):
        def validation(self):
            return IMAGES[4:], LABELS[4:]

    dataset = source(Three(), tmp_path, validation_fraction=0.5).load()
    np.testing.assert_array_equal(dataset.val_indices, [8, 9, 10, 11])


def test_grey_images_become_three_equal_channels_and_a_note_says_so(tmp_path):
    class Grey(Two):
        def train(self):
            return IMAGES[..., 0], LABELS

        def test(self):
            return IMAGES[..., :1], LABELS

    dataset = source(Grey(), tmp_path).load()
    for channel in range(3):
        np.testing.assert_array_equal(dataset.source.train.images[..., channel], IMAGES[..., 0])
    assert dataset.source.notes[-1].startswith("all images are grey")
    assert not source(Two(), tmp_path).load().source.notes


def test_with_files_images_are_kept_until_one_changes(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, IMAGES)
    made = FromFile(path)
    own = source(made, tmp_path)
    assert not own.at_hand()
    first = own.load().source
    assert own.at_hand()
    again = source(made, tmp_path).load().source
    assert made.reads == 1
    assert again.fingerprint == first.fingerprint
    assert isinstance(again.train.images, np.memmap)
    assert not source(made, tmp_path, arguments={"side": 3}).at_hand()
    assert not source(made, tmp_path, resize=3).at_hand()
    os.utime(path, ns=(0, 0))
    assert not own.at_hand()


def test_a_folder_counts_with_all_files_in_it(tmp_path):
    folder = tmp_path / "folder" / "deeper"
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", IMAGES)

    class Folder(FromFile):
        def files(self):
            return tmp_path / "folder"

    own = source(Folder(folder / "images.npy"), tmp_path)
    own.load()
    (folder / "new").touch()
    assert not own.at_hand()


def test_a_missing_file_is_refused_before_anything_is_read(tmp_path):
    own = source(FromFile(tmp_path / "nowhere.npy"), tmp_path)
    message = rf"{tmp_path}/nowhere.npy, of FromFile.files\(\), does not exist"
    with pytest.raises(Refusal, match=message):
        own.check()


def test_a_class_without_the_methods_is_refused_naming_each(tmp_path):
    with pytest.raises(Refusal) as refused:
        source(object(), tmp_path).check()
    assert [each.partition(";")[0] for each in refused.value.problems] == [
        "dataset: object has no method train()",
        "dataset: object has no method test()",
    ]


class Wrong:
    class_names = "ab"

    def train(self):
        return IMAGES / 255, np.eye(2)[LABELS]

    def test(self):
        return [IMAGES]

    def validation(self):
        raise KeyError("fold 3")


def test_all_wrong_returns_are_told_at_once(tmp_path):
    with pytest.raises(Refusal) as refused:
        source(Wrong(), tmp_path).load()
    raised, returned, pixels, labels, names = refused.value.problems
    line = Wrong.validation.__code__.co_firstlineno + 1
    assert raised == (
        f"dataset: Wrong: validation() raised KeyError: 'fold 3' (test_own.py, line {line})"
    )
    assert returned.endswith("test() must return (images, labels), got list of 1 item")
    assert "images of train() is float64 with values from 0 to 1" in pixels
    assert "convert it with (255 * images).round().astype('uint8')" in pixels
    assert "labels of train() is one-hot" in labels
    assert "class_names must be a list of texts, got 'ab'" in names
