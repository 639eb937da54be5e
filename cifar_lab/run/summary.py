"""summary.json: the result of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.engine.hooks import Row
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.models.summary import ModelSummary


def summary(
    *,
    parts: dict[str, str],
    size: ModelSummary,
    rows: Sequence[Row],
    validated: bool,
    epochs_planned: int,
    stopped: str | None,
    reported_epoch: int,
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    test: LossAndAccuracy,
    test_without_flips: LossAndAccuracy | None,
) -> dict[str, Any]:
    """The record that reports, ledgers and leaderboards read.

    Args:
        parts: names to tell the run by: ``name``, ``dataset``, ``model``.
        size: of the model.
        rows: of metrics.csv, all epochs.
        validated: whether there were validation images to choose the best epoch by.
        epochs_planned: length of the unshortened run.
        stopped: why training ended early, or None.
        reported_epoch: of the checkpoint that everything below is of.
        logits: float32 ``(n, classes)``, of the test images.
        labels: int64 ``(n,)``.
        class_names: in the order of the labels.
        test: loss and accuracy on the test images.
        test_without_flips: likewise, where ``test`` averages each image with its mirror image.
    """
    reported = rows[reported_epoch - 1]
    predicted = logits.argmax(axis=1)
    return {
        **parts,
        "parameters": size.parameters,
        "multiply_adds": size.multiply_adds,
        "epochs_planned": epochs_planned,
        "epochs_trained": len(rows),
        "stopped": stopped,
        "reported_epoch": reported_epoch,
        "reported_because": "the best by validation accuracy"
        if validated
        else "the last one, as there is no validation split",
        "validation": {"accuracy": reported["val_accuracy"], "loss": reported["val_loss"]}
        if validated
        else None,
        "test": {
            "accuracy": test.accuracy,
            "loss": test.loss,
            "count": test.count,
            "wrong": int((predicted != labels).sum()),
        },
        "test_without_flips": None
        if test_without_flips is None
        else dataclasses.asdict(test_without_flips),
        "per_class": per_class(predicted, labels, class_names),
        "final": rows[-1],
        "training_seconds": sum(row["epoch_seconds"] for row in rows),
    }


def type_name(node: dict[str, Any]) -> str:
    """The last part of a configuration node's target: ``Cifar10``."""
    return str(node["_target_"]).rsplit(".", 1)[-1]


def described(node: dict[str, Any]) -> str:
    """A configuration node as it would be called: ``ResNet18(last_stride=1, pooled_size=2)``."""
    arguments = [f"{key}={value}" for key, value in node.items() if not key.startswith("_")]
    return f"{type_name(node)}({', '.join(arguments)})"


def per_class(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], class_names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, in the order of the labels.

    A ratio over zero images is 0, as in scikit-learn's ``zero_division=0``.
    """
    rows = []
    for label, name in enumerate(class_names):
        hits = int(((predicted == label) & (labels == label)).sum())
        count, claimed = int((labels == label).sum()), int((predicted == label).sum())
        rows.append(
            {
                "class": name,
                "count": count,
                "precision": hits / claimed if claimed else 0.0,
                "recall": hits / count if count else 0.0,
                "f1": 2 * hits / (count + claimed) if count + claimed else 0.0,
            }
        )
    return rows
