"""Differences of configurations written by hand."""

from __future__ import annotations

from cifar_lab.config.differences import differences

DEFAULTS = {
    "seed": 0,
    "model": {"_target_": "a.Net", "width": 64},
    "trainer": {"_target_": "b.Trainer", "epochs": 24, "clip": None},
    "augmentation": {"train": {"crop": {"_target_": "c.Crop", "p": 1.0}, "flip": {"p": 0.5}}},
}


def changed(**groups) -> list[tuple[str, str, str]]:
    return [(d.key, d.default, d.value) for d in differences({**DEFAULTS, **groups}, DEFAULTS)]


def test_nothing_differs_from_itself():
    assert changed() == []


def test_values_are_named_by_their_keys():
    found = changed(seed=1, trainer={"_target_": "b.Trainer", "epochs": 30, "clip": 0.5})
    assert found == [
        ("seed", "0", "1"), ("trainer.epochs", "24", "30"), ("trainer.clip", "null", "0.5"),
    ]  # fmt: skip


def test_a_text_is_not_the_number_that_it_looks_like():
    assert changed(seed="0") == [("seed", "0", "0")]


def test_another_target_is_one_difference_as_a_call():
    found = changed(model={"_target_": "a.Other", "name": "x", "sizes": [1, 2]})
    assert found == [("model", "Net(width=64)", "Other(name=x, sizes=[1, 2])")]


def test_a_step_that_was_taken_away_or_added_is_absent_on_one_side():
    train = {"crop": DEFAULTS["augmentation"]["train"]["crop"], "blur": {"_target_": "d.Blur"}}
    assert changed(augmentation={"train": train}) == [
        ("augmentation.train.flip", '{"p": 0.5}', "absent"),
        ("augmentation.train.blur", "absent", "Blur()"),
    ]
