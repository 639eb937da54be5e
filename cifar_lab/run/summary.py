"""summary.json: the result of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import per_class
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
