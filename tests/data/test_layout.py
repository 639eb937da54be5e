"""Layouts by the names of folders, and the order of classes."""

from __future__ import annotations

import pytest

from cifar_lab.data.layout import in_order, layout_of
from cifar_lab.refusal import Refusal


@pytest.mark.parametrize(
    ("names", "folders", "said"),
    [
        (["train", "test"], {"train": "train", "test": "test"}, None),
        (["train", "test", "other"], {"train": "train", "test": "test"}, None),
        *(
            (
                ["train", "test", val],
                {"train": "train", "val": val, "test": "test"},
                f"{val}/ is the validation split",
            )
            for val in ("val", "valid")
        ),
        *(
            (["train", val], {"train": "train", "test": val}, f"{val}/ is the test split")
            for val in ("val", "valid")
        ),
        (["train"], {"train": "train"}, "there is no test/"),
        (["cat", "dog"], {"train": ""}, "its folders are the classes"),
    ],
)
def test_a_layout_is_known_by_the_names_of_its_folders(names, folders, said):
    layout = layout_of("/images", names, divisible=True)
    assert layout.folders == folders
    assert (said is None) == (layout.note is None)
    assert layout.note is None or said in layout.note


@pytest.mark.parametrize(
    ("names", "divisible", "message"),
    [
        (["train", "val", "valid"], True, "val/ and valid/ both exist"),
        (["test"], True, "/images/train does not exist; arrange"),
        (["val"], True, "/images/train does not exist; arrange"),
        (["train"], False, "/images/test does not exist; arrange"),
        (["cat", "Train"], True, "Train/ is named like a split"),
        (["training", "testing"], True, "testing/ is named like a split"),
        ([], True, "this directory has no folders; arrange"),
    ],
)
def test_what_fits_no_layout_is_refused(names, divisible, message):
    with pytest.raises(Refusal, match=f"dataset.root=/images: {message}"):
        layout_of("/images", names, divisible)


@pytest.mark.parametrize(
    ("names", "order", "expected"),
    [
        (["b", "a"], "natural", ["a", "b"]),
        (["10", "9", "08"], "natural", ["08", "9", "10"]),
        (["10", "9", "a"], "natural", ["10", "9", "a"]),  # a name is no number
        (["²", "10", "9"], "natural", ["10", "9", "²"]),  # a digit to Python, and no number
        (["10", "9"], "alphabetical", ["10", "9"]),
        (["a", "b", "c"], ["c", "a", "b"], ["c", "a", "b"]),
        (["1", "2"], [2, 1], ["2", "1"]),
    ],
)
def test_classes_are_in_the_wanted_order(names, order, expected):
    assert in_order(names, order) == expected


def test_an_order_that_does_not_name_every_class_once_is_refused():
    message = "lacks: c; names without a folder: d; named more than once: a$"
    with pytest.raises(Refusal, match=message):
        in_order(["a", "b", "c"], ["a", "b", "d", "a"])
