"""The small training that campaigns disturb, and what must be equal in the end."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from tests.faults.program import Answer, call

#: Three epochs of digits, with a validation split and a checkpoint after every epoch.
TRAINING = (
    "dataset=digits",
    "model=custom_resnet",
    "model.width=4",
    "augmentation=crop_flip",
    "trainer.epochs=3",
    "trainer.limit_batches=4",
    "trainer.batch_size=64",
    "trainer.precision=float32",
    "dataset.validation_fraction=0.1",
    "report.misclassified=2",
)

TIMES = {"epoch_seconds", "images_per_second", "train_seconds", "evaluation_seconds"}


def train(here: Path, *words: str, **how) -> Answer:
    """Trains in a folder that is made if it does not exist."""
    here.mkdir(parents=True, exist_ok=True)
    return call(("train", *TRAINING, *words), here, **how)


def the_run(here: Path) -> Path | None:
    """The folder of the only run; None if there is none."""
    runs = sorted(here.glob("outputs/*/*-*-*/*-*-*"))
    return runs[0] if runs else None


def result(run: Path) -> tuple[dict[str, np.ndarray], list[dict[str, str]]]:
    """What a run found: its predictions, and its metrics without the times."""
    with np.load(run / "predictions.npz", allow_pickle=False) as file:
        predictions = {key: file[key] for key in file.files}
    rows = csv.DictReader(io.StringIO((run / "metrics.csv").read_text()))
    return predictions, [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def difference(run: Path, expected: Path) -> str | None:
    """Says how a run's result differs from another's; None if it is equal bit by bit."""
    (predictions, metrics), (wanted, wanted_metrics) = result(run), result(expected)
    if predictions.keys() != wanted.keys():
        return f"predictions.npz holds {sorted(predictions)} instead of {sorted(wanted)}"
    for key, array in wanted.items():
        if not np.array_equal(predictions[key], array):
            return f"{key} of predictions.npz differs"
    if metrics != wanted_metrics:
        return "metrics.csv differs"
    return None
