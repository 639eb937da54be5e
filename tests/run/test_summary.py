"""Tests the per-class numbers against scikit-learn, and the source of every other number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.nodes import described, type_name
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.summary import Summary, ValidationResult, WithoutCopies, Work
from cifar_lab.run.summary import summarised as summary
from tests.made import a_summary

NAMES = ("ant", "bee", "cat", "dog")
#: Four epochs, the third the best.
ROWS = [
    {"epoch": epoch, "val_accuracy": accuracy, "val_loss": loss, "epoch_seconds": seconds}
    for epoch, accuracy, loss, seconds in [
        (1, 0.25, 2.0, 4.5),
        (2, 0.5, 1.0, 3.0),
        (3, 0.75, 0.5, 3.0),
        (4, 0.7, 0.25, 2.0),
    ]
]


def test_with_validation_the_numbers_are_those_of_the_reported_epoch():
    record = summarised(validated=True)
    assert record.validation == ValidationResult(accuracy=0.75, loss=0.5)
    assert record.reported_because == (
        "the best by validation accuracy, and of equal ones the one with the lowest validation loss"
    )
    assert record.final == ROWS[-1]


def test_without_validation_the_last_epoch_is_reported():
    record = summarised(validated=False, reported_epoch=len(ROWS))
    assert record.validation is None
    assert record.reported_because == "the last one, as there is no validation split"
    failed = summarised(validated=False, reported_epoch=len(ROWS) - 1)
    assert failed.reported_because == (
        "the last one in which all was finite, as there is no validation split"
    )
    assert record.final == ROWS[-1]


def test_each_number_stands_under_its_name():
    record = summarised(validated=False)
    expected = {
        "name": "digits",
        "model": "ResNet18",
        "parameters": 11,
        "multiply_adds": 22,
        "epochs_planned": 10,
        "epochs_trained": 4,
        "stopped": "patience",
        "reported_epoch": 3,
        "training_seconds": 12.5,
        "evaluation_seconds": 1.5,
        "eager_because": "a sync",
    }
    assert {key: getattr(record, key) for key in expected} == expected
    assert vars(record.test) == {"accuracy": 0.5, "loss": 1.25, "count": 4, "wrong": 2}
    assert [each.recall for each in record.per_class] == [1.0, 0.0, 0.0, 1.0]
    assert [each.name for each in record.per_class] == list(NAMES)


def test_a_class_that_is_never_predicted_has_no_precision(tmp_path):
    logits = np.eye(4, dtype=np.float32)[[0, 0, 0, 0]]
    record = summarised(validated=False, logits=logits, labels=np.array([0, 0, 1, 1]))
    found = [(each.precision, each.recall, each.f1) for each in record.per_class]
    # Ant: 2 of 4 predictions, 2 of 2 images; bee: no predictions of 2 images; then neither.
    assert found == [(0.5, 1.0, 2 / 3), (None, 0.0, 0.0), *[(None, None, None)] * 2]
    write_object(tmp_path / "summary.json", record)
    assert json.loads((tmp_path / "summary.json").read_text())["per_class"][1]["precision"] is None
    assert read_object(tmp_path / "summary.json", Summary) == record


def test_a_configuration_node_is_described_as_it_would_be_called():
    node = {"_target_": "cifar_lab.models.resnet.ResNet18", "width": 64, "pool": None}
    assert type_name(node) == "ResNet18"
    assert described(node) == "ResNet18(width=64, pool=None)"
    assert described({"_target_": "torch.nn.CrossEntropyLoss"}) == "CrossEntropyLoss()"


def test_the_summary_is_read_as_it_was_written_and_is_plain_json(tmp_path):
    for validated in (True, False):
        record = summarised(validated)
        write_object(tmp_path / "summary.json", record)
        assert read_object(tmp_path / "summary.json", Summary) == record
    plain = json.loads((tmp_path / "summary.json").read_text())
    assert plain["per_class"][0] == {
        "class": "ant", "count": 1, "precision": 0.5, "recall": 1.0, "f1": 2 / 3,
    }  # fmt: skip
    assert plain["work"]["tflop"] == 2.0


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ([0, 0, 0, 0], None),
        ([1, 1, 1, 1], None),  # nothing is left to be right or wrong about
        ([1, 0, 0, 0], WithoutCopies(accuracy=1 / 3, count=3, copies=1)),
        ([0, 1, 1, 0], WithoutCopies(accuracy=1.0, count=2, copies=2)),
    ],
)
def test_the_accuracy_without_copies_is_of_the_other_images(copies, expected):
    assert summarised(validated=True, copies=np.array(copies, bool)).test_without_copies == expected


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
    place = "test" if "misclassified" in problem else key
    with pytest.raises(Refusal) as refused:
        read_object(file, Summary)
    (message,) = refused.value.problems
    assert message.startswith(f"{file}: {place}: {problem}"), message
    assert message.endswith("; restore a copy of the file")


def summarised(validated: bool, **changes: Any) -> Summary:
    """Four images of four classes; the second is predicted as the first, third as fourth."""
    parts = {
        "name": "digits",
        "dataset": "Digits",
        "model": "ResNet18",
        "parameters": 11,
        "multiply_adds": 22,
        "rows": ROWS,
        "validated": validated,
        "epochs_planned": 10,
        "stopped": "patience",
        "reported_epoch": 3,
        "logits": np.eye(4, dtype=np.float32)[[0, 0, 3, 3]],
        "labels": np.arange(4),
        "class_names": NAMES,
        "evaluation_seconds": 1.5,
        "work": Work(seconds=2.0, matmul_flops_per_second=1e12, measurements=(1e12,), tflop=2.0),
        "eager_because": "a sync",
        "test": LossAndAccuracy(loss=1.25, accuracy=0.5, count=4),
        "test_without_flips": None,
        "copies": np.zeros(4, dtype=bool),
    }
    return summary(**(parts | changes))
