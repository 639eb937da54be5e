"""Runs of a study as data: means, bands and points by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cifar_lab.report.charts.study import against_published, classes, curves


def rows(accuracy: float):
    return [
        {"epoch": epoch, "train_loss": 2.0 / epoch, "train_accuracy": accuracy / 2,
         "test_loss": 1.0 / epoch, "test_accuracy": accuracy}
        for epoch in (1, 2)
    ]  # fmt: skip


def test_runs_are_a_mean_with_a_band_beside_the_published_accuracy():
    loss, accuracy = curves([rows(0.8), rows(0.9)], 0.85).panels
    assert [each.name for each in loss.series] == ["train", "test"]
    train, test, published = accuracy.series
    assert list(test.y) == pytest.approx([85, 85])
    assert test.band is not None
    assert list(test.band[0]) == pytest.approx([80, 80])
    assert list(train.y) == pytest.approx([42.5, 42.5])
    assert (published.name, published.y) == ("published test, 85.00 %", (85, 85))


def test_a_single_run_has_no_band():
    _, accuracy = curves([rows(0.8)], 0.85).panels
    assert all(each.band is None for each in accuracy.series)


def test_classes_have_their_mean_and_each_run():
    cat, dog = classes(["cat", "dog"], np.array([[0.7, 0.9], [0.5, 0.8]])).dots()
    assert (cat.value, list(cat.runs)) == (pytest.approx(60), pytest.approx([70, 50]))
    assert cat.told == "cat: 60.0 ± 14.1 %; runs 70.0, 50.0."  # √200 by hand
    (alone,) = classes(["cat"], np.array([[0.7]])).dots()
    assert alone.parts() == {"dot"}
    assert dog.name == "dog"


def test_recipes_lie_beside_the_published_accuracy_and_without_runs_it_is_alone():
    wide, deep = against_published([
        ("wide", 0.85, [0.84, 0.88], (0.6, 1.1)), ("deep", 0.5, [], (math.nan, math.nan)),
    ]).dots()  # fmt: skip
    assert (wide.value, wide.reference, wide.shown) == (86, 85, ("85.00", "86.00 ± 2.83"))
    assert wide.told == (
        "wide: published 85.00 %; ours 86.00 ± 2.83 % (n=2); 95 % interval 60.00 to 110.00 %."
    )
    assert deep.parts() == {"reference"}
    assert deep.told == "deep: published 50.00 %; no complete run."
