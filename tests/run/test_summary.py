"""summary.json: per-class numbers as scikit-learn counts them, and where each number is from."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from cifar_lab.analysis.predictions import per_class
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.models.summary import ModelSummary
from cifar_lab.nodes import described, type_name
from cifar_lab.run.summary import summary

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


@pytest.mark.parametrize(
    ("present", "claimed"),
    [
        pytest.param([0, 1, 2, 3], [0, 1, 2, 3], id="every class"),
        pytest.param([0, 1, 2, 3], [0, 1], id="classes never predicted"),
        pytest.param([0, 1], [0, 1, 2, 3], id="classes without images"),
        pytest.param([0, 1], [1, 2], id="classes of neither kind"),
    ],
)
def test_precision_recall_and_f1_equal_those_of_scikit_learn(present, claimed):
    generator = np.random.default_rng(0)
    labels = generator.choice(present, 200)
    predicted = np.where(generator.random(200) < 0.5, labels, generator.choice(claimed, 200))
    if set(claimed) != {0, 1, 2, 3}:
        predicted = generator.choice(claimed, 200)
    rows = per_class(predicted, labels, NAMES)
    expected = precision_recall_fscore_support(
        labels, predicted, labels=range(len(NAMES)), zero_division=0
    )
    assert tuple(row["class"] for row in rows) == NAMES
    for key, values in zip(("precision", "recall", "f1", "count"), expected, strict=True):
        np.testing.assert_allclose([row[key] for row in rows], values, rtol=1e-12)


def test_per_class_numbers_of_a_small_case():
    rows = per_class(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), ("ant", "bee"))
    assert rows == [
        {"class": "ant", "count": 2, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2},
        {"class": "bee", "count": 3, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3},
    ]


def test_with_validation_the_reported_epoch_is_told_by_its_own_numbers():
    record = summarised(validated=True)
    assert record["validation"] == {"accuracy": 0.75, "loss": 0.5}
    assert record["reported_because"] == "the best by validation accuracy"
    assert record["final"] == ROWS[-1]


def test_without_validation_the_last_epoch_is_told():
    record = summarised(validated=False)
    assert record["validation"] is None
    assert record["reported_because"] == "the last one, as there is no validation split"
    assert record["final"] == ROWS[-1]


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
        "test": {"accuracy": 0.5, "loss": 1.25, "count": 4, "wrong": 2},
    }
    assert {key: record[key] for key in expected} == expected
    assert [row["recall"] for row in record["per_class"]] == [1.0, 0.0, 0.0, 1.0]


def test_a_configuration_node_is_described_as_it_would_be_called():
    node = {"_target_": "cifar_lab.models.resnet.ResNet18", "width": 64, "pool": None}
    assert type_name(node) == "ResNet18"
    assert described(node) == "ResNet18(width=64, pool=None)"
    assert described({"_target_": "torch.nn.CrossEntropyLoss"}) == "CrossEntropyLoss()"


def test_the_summary_is_plain_json():
    record = summarised(validated=True)
    assert json.loads(json.dumps(record)) == record


def summarised(validated: bool) -> dict:
    """Four images, one a class; the second is taken for the first, the third for the fourth."""
    return summary(
        parts={"name": "digits", "model": "ResNet18"},
        size=ModelSummary("table", parameters=11, multiply_adds=22),
        rows=ROWS,
        validated=validated,
        epochs_planned=10,
        stopped="patience",
        reported_epoch=3,
        logits=np.eye(4, dtype=np.float32)[[0, 0, 3, 3]],
        labels=np.arange(4),
        class_names=NAMES,
        test=LossAndAccuracy(loss=1.25, accuracy=0.5, count=4),
        test_without_flips=None,
    )
