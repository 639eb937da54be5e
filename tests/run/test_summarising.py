"""Tests the per-class numbers against scikit-learn, and the source of every other number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.predictions import SplitPredictions
from cifar_lab.run.summarising import TestSet, opened
from cifar_lab.run.summarising import summarised as summary
from cifar_lab.run.summary import Evaluated, Result, Summary, ValidationResult, WithoutCopies, Work

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
    assert record.validation == ValidationResult(accuracy=0.75, loss=0.5, count=3, wrong=1)
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


def test_the_summary_is_read_as_it_was_written_and_is_plain_json(tmp_path):
    for validated, closed in ((True, False), (True, True), (False, False)):
        record = summarised(validated, closed)
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


def test_a_closed_test_set_leaves_the_results_of_the_validation_images():
    record = summarised(validated=True, closed=True)
    assert record.evaluated == "validation"
    assert (record.test, record.test_without_flips, record.test_without_copies) == (None,) * 3
    assert record.result == Result(accuracy=0.75, loss=0.5, count=3, wrong=1)
    labels, predicted = VALIDATION.labels, VALIDATION.logits.argmax(1)
    _, recalls, _, counts = precision_recall_fscore_support(
        labels, predicted, labels=range(4), zero_division=np.nan
    )
    assert [each.count for each in record.per_class] == counts.tolist()
    np.testing.assert_array_equal(
        [np.nan if each.recall is None else each.recall for each in record.per_class], recalls
    )


@pytest.mark.parametrize("flips", [None, LossAndAccuracy(loss=1.5, accuracy=0.25, count=4)])
def test_what_opening_adds_is_what_an_open_run_has(flips):
    changes = {"copies": np.array([1, 0, 0, 0], bool), "without_flips": flips}
    closed, whole = (summarised(True, closed=c, **changes) for c in (True, False))
    assert closed != whole
    assert opened(closed, of_test(**changes), evaluation_seconds=1.5) == whole
    assert whole.evaluated == "test"
    expected = None if flips is None else Evaluated(loss=1.5, accuracy=0.25, count=4)
    assert whole.test_without_flips == expected


#: Three images, of which the second is predicted wrongly.
VALIDATION = SplitPredictions(
    np.eye(4, dtype=np.float32)[[0, 2, 3]], np.array([0, 1, 3]), np.asarray(["a", "b", "c"])
)


def of_test(**changes: Any) -> TestSet:
    """Four images of four classes; the second is predicted as the first, third as fourth."""
    logits = changes.pop("logits", np.eye(4, dtype=np.float32)[[0, 0, 3, 3]])
    labels = changes.pop("labels", np.arange(4))
    parts = {
        "predictions": SplitPredictions(logits, labels, labels.astype(str)),
        "metrics": LossAndAccuracy(loss=1.25, accuracy=0.5, count=4),
        "without_flips": None,
        "copies": np.zeros(4, dtype=bool),
    }
    return TestSet(**(parts | changes))


def summarised(
    validated: bool, closed: bool = False, reported_epoch: int = 3, **changes: Any
) -> Summary:
    """Of these images; changes are to the test set."""
    return summary(
        name="digits",
        dataset="Digits",
        model="ResNet18",
        parameters=11,
        multiply_adds=22,
        rows=ROWS,
        epochs_planned=10,
        stopped="patience",
        reported_epoch=reported_epoch,
        class_names=NAMES,
        validation=VALIDATION if validated else None,
        test=None if closed else of_test(**changes),
        evaluation_seconds=1.5,
        work=Work(seconds=2.0, matmul_flops_per_second=1e12, measurements=(1e12,), tflop=2.0),
        eager_because="a sync",
    )
