"""Tests that a summary is read as it was written, and that another shape is refused by its key."""

from __future__ import annotations

import json

import pytest

from cifar_lab.nodes import described, type_name
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.summary import Result, Summary, ValidationResult
from tests.made import a_summary

CLOSED = {"test": None, "evaluated": "validation"}


def test_a_configuration_node_is_described_as_it_would_be_called():
    node = {"_target_": "cifar_lab.models.resnet.ResNet18", "width": 64, "pool": None}
    assert type_name(node) == "ResNet18"
    assert described(node) == "ResNet18(width=64, pool=None)"
    assert described({"_target_": "torch.nn.CrossEntropyLoss"}) == "CrossEntropyLoss()"


def test_a_summary_is_read_as_it_was_written(tmp_path):
    write_object(tmp_path / "summary.json", a_summary())
    assert read_object(tmp_path / "summary.json", Summary) == a_summary()


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("test.wrong", -1, "must be greater than or equal to 0, got -1"),
        ("test.wrong", 13, "13 of 12 images cannot be misclassified, got an object"),
        ("test.count", 10**400, "must be less than 9223372036854775808"),
        ("test.accuracy", 1.5, "must be less than or equal to 1, got 1.5"),
        ("test.accuracy", None, "must be a valid number, got null"),
        ("test", [], "must be an object, got a list"),
        ("validation.accuracy", -0.1, "must be greater than or equal to 0, got -0.1"),
        ("parameters", 1.5, "must be a valid integer, got 1.5"),
        ("multiply_adds", 10**400, "must be less than 9223372036854775808"),
        ("epochs_trained", -1, "must be greater than or equal to 0, got -1"),
        ("training_seconds", -1.0, "must be greater than or equal to 0, got -1.0"),
        ("training_seconds", 10**400, "must be a finite number"),
        ("evaluation_seconds", "fast", 'must be a valid number, got "fast"'),
        ("test", None, "contradicts test, which is null"),
        ("evaluated", "validation", "contradicts test, which is not null"),
        ("evaluated", "train", "must be 'test' or 'validation', got \"train\""),
        ("validation.wrong", 201, "201 of 200 images cannot be misclassified, got an object"),
        ("per_class", {}, "must be a valid array, got an object"),
        ("name", 3, "must be a valid string, got 3"),
    ],
)
def test_a_summary_of_another_shape_is_refused_by_its_key(tmp_path, key, value, problem):
    file = tmp_path / "summary.json"
    write_object(file, a_summary())
    content = node = json.loads(file.read_text())
    *parents, last = key.split(".")
    for parent in parents:
        node = node[parent]
    node[last] = value
    file.write_text(json.dumps(content))
    place = key.split(".")[0] if "misclassified" in problem else key
    place = "evaluated" if "contradicts" in problem else place
    with pytest.raises(Refusal) as refused:
        read_object(file, Summary)
    (message,) = refused.value.problems
    assert message.startswith(f"{file}: {place}: {problem}"), message
    assert message.endswith("; restore a copy of the file")


@pytest.mark.parametrize("validation", [None, ValidationResult(0.9, 0.4, None, None)])
def test_a_closed_run_without_a_result_on_its_validation_images_is_refused(tmp_path, validation):
    write_object(tmp_path / "summary.json", a_summary(**CLOSED, validation=validation))
    with pytest.raises(Refusal, match="evaluated: validation has no count of images"):
        read_object(tmp_path / "summary.json", Summary)


def test_the_result_is_of_the_split_that_was_evaluated():
    assert a_summary().result == a_summary().opened == Result(0.75, 0.3, 12, 3)
    closed = a_summary(**CLOSED)
    assert closed.result == Result(0.905, 0.4, 200, 19)
    with pytest.raises(Refusal, match="no test result, as evaluate_test=false; `cifar-lab eval"):
        closed.opened  # noqa: B018


def test_an_older_summary_is_of_the_test_images(tmp_path):
    write_object(tmp_path / "summary.json", a_summary())
    content = json.loads((tmp_path / "summary.json").read_text())
    del content["evaluated"], content["validation"]["count"], content["validation"]["wrong"]
    (tmp_path / "summary.json").write_text(json.dumps({**content, "format": 4}))
    found = read_object(tmp_path / "summary.json", Summary)
    assert found == a_summary(validation=ValidationResult(0.905, 0.4, None, None))
