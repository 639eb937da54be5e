"""Labelled arrays: what they become, and each mistake with its remedy."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.data.arrays import SourceImages
from cifar_lab.data.labelled import Given, assembled
from cifar_lab.refusal import Refusal

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def sourced(**changes) -> SourceImages:
    """Of three classes; a change is the images and labels of a split, or a setting."""
    settings = {"class_names": None, "resize": None, "axes": "auto", "advice": "; tell"}
    splits = {"train": (IMAGES, LABELS), "test": (IMAGES[::-1], LABELS[::-1])}
    for key, value in changes.items():
        (settings if key in settings else splits)[key] = value
    given = {s: Given(x, y, f"x_{s}", f"y_{s}") for s, (x, y) in splits.items()}
    return assembled(given, **settings)


def problems(**changes) -> list[str]:
    with pytest.raises(Refusal) as refused:
        sourced(**changes)
    return refused.value.problems


def test_images_and_labels_become_a_source_as_they_are():
    source = sourced(class_names=["a", "b", "c"])
    np.testing.assert_array_equal(source.train.images, IMAGES)
    np.testing.assert_array_equal(source.test.labels, LABELS[::-1])
    assert source.train.class_names == ("a", "b", "c")
    assert source.train.labels.dtype == np.int64
    assert source.train.sample_ids.tolist()[:2] == ["train/00000", "train/00001"]
    assert source.validation is None
    assert source.fingerprint == SourceImages.of(source.train, source.test).fingerprint


def test_own_validation_images_follow_the_training_images():
    source = sourced(validation=(IMAGES[:2], LABELS[:2]))
    np.testing.assert_array_equal(source.validation, [6, 7])
    np.testing.assert_array_equal(source.train.images[6:], IMAGES[:2])
    assert source.train.sample_ids[6] == "validation/00000"
    assert "validation_fraction is not used" in source.notes[0]


def test_labels_may_stand_in_a_column_of_any_integers():
    source = sourced(train=(IMAGES, LABELS[:, None].astype(np.uint8)))
    np.testing.assert_array_equal(source.train.labels, LABELS)
    assert source.train.class_names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(3)[LABELS], r"y_train is one-hot, of shape (6, 3); give y_train.argmax(axis=1)"),
        (np.ones((6, 3)), r"y_train has shape (6, 3), and must be (n,)"),
        (
            LABELS.astype(float),
            "y_train is float64, and must be integers; convert it with y_train.",
        ),
        (LABELS + 0.5, "y_train is float64, and must be integers; each label is the number"),
        (
            np.array(list("abcabc")),
            "class_names, y_train = np.unique(y_train, return_inverse=True)",
        ),
        (LABELS[:5], "x_train has 6 images, but y_train has 5 labels; each image needs one"),
        (LABELS - 1, "y_train: got -1 to 1, but the labels of 3 classes go from 0 to 2"),
        (
            LABELS + 1,
            "y_train: got 1 to 3, but the labels of 3 classes go from 0 to 2; y_train -",
        ),
        (LABELS % 2, "x_train has no images of 1 of 3 classes (c); each class needs training and"),
    ],
)
def test_labels_of_another_kind_are_refused_with_what_to_do(labels, message):
    [problem] = problems(train=(IMAGES, labels), class_names=["a", "b", "c"])
    assert message in problem


def test_labels_from_one_without_names_are_told():
    found = problems(train=(IMAGES, LABELS + 1), test=(IMAGES, LABELS + 1))
    assert len(found) == 2
    assert "x_train has no images of 1 of 4 classes (0)" in found[0]
    assert "subtract 1 if yours begin at 1" in found[0]


def test_one_class_alone_is_refused():
    found = problems(train=(IMAGES, LABELS * 0), test=(IMAGES, LABELS * 0))
    assert set(found) == {"there is only one class, and one cannot be learnt"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("abc", "must be a list of texts"),
        ([1, 2, 3], "a list of texts"),
        (["a", "a", "b"], "names a"),
    ],
)
def test_names_of_classes_are_checked(names, message):
    [problem] = problems(class_names=names)
    assert message in problem


def test_splits_of_two_sizes_need_a_side_to_resize_to():
    [problem] = problems(test=(IMAGES[:, :, :4], LABELS))
    assert "got x_train 4×5, x_test 4×4; set dataset.resize=32" in problem
    source = sourced(test=(IMAGES[:, :, :4], LABELS), resize=8)
    assert source.train.image_size == source.test.image_size == (8, 8)
    np.testing.assert_array_equal(source.train.original_sizes(), [[4, 5]] * 6)


def test_all_mistakes_are_told_at_once():
    found = problems(train=(IMAGES / 255, LABELS + 0.5), test=(IMAGES[0, 0], LABELS[:, None, None]))
    starts = ["x_train is float64", "y_train is float64", "x_test has shape", "y_test has shape"]
    assert [each[: len(start)] for each, start in zip(found, starts, strict=True)] == starts
