"""robustness.json: means, replacement and what is read back."""

from __future__ import annotations

import dataclasses
import math

import pytest

from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.robustness import ConditionResult, Robustness, Scores, SuiteResult, means


def condition(name: str, severity: int | None, accuracy: float, averaged: bool = True):
    scores = Scores(8, accuracy, loss=2 * accuracy, calibration_error=accuracy / 4)
    return ConditionResult(name, severity, averaged, scores)


def a_suite(name: str = "corruptions@lab", *conditions: ConditionResult) -> SuiteResult:
    """Of two corruptions at two severities, unless others are given."""
    given = conditions or (
        condition("fog", 1, 0.5),
        condition("fog", 2, 0.25),
        condition("jpeg_compression", 1, 0.75),
        condition("jpeg_compression", 2, 0.5),
        condition("spatter", 1, 0.0, averaged=False),
        condition("spatter", 2, 0.0, averaged=False),
    )
    clean = Scores(8, 0.875, 0.4, 0.02)
    return SuiteResult(
        name, 1, 0, {}, "f" * 64, "float32", False, clean, means(given), tuple(given)
    )


def test_the_mean_is_of_what_counts():
    found = a_suite().mean
    assert (found.accuracy, found.loss, found.calibration_error) == (0.5, 1.0, 0.125)
    assert means([condition("CIFAR-10.1 v6", None, 0.5, averaged=False)]) is None


def test_the_accuracy_of_a_suite_is_its_mean_or_that_of_its_only_images():
    assert a_suite().accuracy == 0.5
    assert a_suite("CIFAR-10.1 v6", condition("x", None, 0.25, averaged=False)).accuracy == 0.25
    extra = [condition(name, 1, 0.5, averaged=False) for name in ("spatter", "saturate")]
    assert a_suite("CIFAR-10-C", *extra).accuracy is None


def test_conditions_are_grouped_by_name():
    assert {name: len(found) for name, found in a_suite().by_name.items()} == {
        "fog": 2, "jpeg_compression": 2, "spatter": 2,
    }  # fmt: skip


def test_a_suite_replaces_its_earlier_results():
    before = Robustness((a_suite("a"), a_suite("b")))
    new = dataclasses.replace(a_suite("a"), seed=5)
    assert before.replacing([new]).suites == (before.suites[1], new)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "robustness.json"
    found = Robustness((a_suite(), a_suite("CIFAR-10.1 v6", condition("x", None, 1.0, False))))
    write_object(path, found)
    assert read_object(path, Robustness) == found
    scores = dataclasses.replace(found.suites[0].clean, loss=math.nan)
    write_object(path, Robustness((dataclasses.replace(found.suites[0], clean=scores),)))
    assert math.isnan(read_object(path, Robustness).suites[0].clean.loss)
    path.write_text(path.read_text().replace('"accuracy": 0.875', '"accuracy": 87.5'))
    with pytest.raises(Refusal, match=r"suites\.0\.clean\.accuracy"):
        read_object(path, Robustness)
