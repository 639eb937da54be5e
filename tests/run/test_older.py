"""Tests the conversion of what older versions wrote."""

from __future__ import annotations

import importlib

import pytest

from cifar_lab.run.older import (
    ADDED,
    TARGETS,
    completed,
    last_step,
    upgraded,
    with_current_targets,
)


@pytest.mark.parametrize(("old", "new"), TARGETS.items())
def test_a_current_target_exists_and_is_public(old, new):
    package, _, name = new.rpartition(".")
    assert package.count(".") == 1
    assert name in dir(importlib.import_module(package))
    assert callable(getattr(importlib.import_module(package), name))


@pytest.mark.parametrize(("old", "new"), TARGETS.items())
def test_old_and_new_names_are_the_same_object_where_the_old_module_exists(old, new):
    module, _, name = old.rpartition(".")
    try:
        place = importlib.import_module(module)
    except ImportError:  # the module was renamed
        return
    if hasattr(place, name):
        package, _, public = new.rpartition(".")
        assert getattr(place, name) is getattr(importlib.import_module(package), public)


def test_targets_are_renamed_however_deep_and_nothing_else_is():
    old = "cifar_lab.data.augment.PadAndCrop"
    config = {
        "name": old,
        "augmentation": {"train": {"crop": {"_target_": old, "padding": 4}}},
        "steps": [{"_target_": "albumentations.HorizontalFlip"}, {"_target_": old}],
    }
    found = with_current_targets(config)
    assert found["name"] == old
    assert found["augmentation"]["train"]["crop"] == {
        "_target_": "cifar_lab.data.PadAndCrop", "padding": 4,
    }  # fmt: skip
    assert [step["_target_"] for step in found["steps"]] == [
        "albumentations.HorizontalFlip", "cifar_lab.data.PadAndCrop",
    ]  # fmt: skip
    assert config["steps"][1]["_target_"] == old


def test_what_a_configuration_has_is_kept_and_what_it_lacks_is_added():
    config = {"report": {"gallery": "random", "misclassified": 3}}
    found = completed(config)
    assert found["report"] == {"gallery": "random", "misclassified": 3, "averaged_images": 1000}
    assert found["mixing"] == ADDED["mixing"]
    assert found["hooks"] == {}
    assert found["evaluate_test"] is True
    assert completed({"evaluate_test": False})["evaluate_test"] is False


def test_what_is_there_is_not_replaced():
    assert upgraded("Provenance", {"processes": 4})["processes"] == 4
    assert upgraded("Provenance", {})["processes"] == 1
    assert upgraded("Summary", {"validation": {"loss": 1}})["validation"] == {
        "loss": 1, "count": None, "wrong": None,
    }  # fmt: skip
    assert upgraded("Summary", {"validation": None})["validation"] is None
    assert upgraded("NothingOfOurs", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("trainer", "expected"),
    [
        ({}, 20),
        ({"limit_batches": None, "accumulate_batches": 1}, 20),
        ({"limit_batches": 3}, 13),
        ({"limit_batches": 3, "accumulate_batches": 2}, 12),  # the second update is of one batch
        ({"limit_batches": 99}, 20),
    ],
)
def test_the_last_step_of_the_second_of_epochs_with_ten_updates(trainer, expected):
    assert last_step(2, trainer, 10) == expected


def test_an_image_folder_of_an_older_version_keeps_its_order_and_its_split():
    old = {"dataset": {"_target_": "cifar_lab.data.ImageFolder", "root": "images"}}
    dataset = completed(old)["dataset"]
    assert dataset["root"] == "images"
    assert (dataset["class_order"], dataset["copies_together"]) == ("alphabetical", False)
    kept = {"dataset": {**old["dataset"], "class_order": ["b", "a"]}}
    assert completed(kept)["dataset"]["class_order"] == ["b", "a"]
    digits = {"dataset": {"_target_": "cifar_lab.data.Digits"}}
    assert completed(digits)["dataset"] == {**digits["dataset"], "sampling": "shuffled"}
    assert dataset["sampling"] == "shuffled"
