"""Hand-made folders of finished runs, as a comparison reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.run.files import write_atomically, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import write_metrics
from cifar_lab.run.predictions import Predictions, SplitPredictions, packed_predictions
from cifar_lab.run.record import Run
from cifar_lab.run.summary import ClassSummary, Result, ValidationResult
from tests.made import a_provenance, a_status, a_summary

CLASSES = ("ant", "bee", "cat")
IMAGES = 60


def predicted(right: Sequence[bool] | NDArray[np.bool_], split: str = "test") -> SplitPredictions:
    """Predictions of images of three classes in turn, the right ones where ``right`` says so."""
    hits = np.asarray(right, dtype=np.bool_)
    labels = np.arange(len(hits)) % len(CLASSES)
    classes = np.where(hits, labels, (labels + 1) % len(CLASSES))
    logits = 4 * np.eye(len(CLASSES), dtype=np.float32)[classes]
    ids = np.array([f"{split}/{number}" for number in range(len(hits))])
    return SplitPredictions(logits, labels, ids)


def a_run(
    place: Path,
    right: Sequence[bool] | NDArray[np.bool_],
    *,
    seed: int = 0,
    test: Sequence[bool] | NDArray[np.bool_] | None = None,
    classes: Sequence[str] = CLASSES,
    data: str = "fedcba9876543210",
    state: str = "done",
    config: dict[str, Any] | None = None,
    **summary: Any,
) -> Run:
    """Write a finished run.

    Args:
        place: its folder.
        right: for each validation image whether it is classified correctly.
        seed: of the run.
        test: likewise for the test images; None leaves the test set closed.
        classes: names of the three classes.
        data: fingerprint.
        state: of its status.
        config: values by dotted key.
        **summary: changes of its summary.
    """
    folder = RunFolder(place)
    validation = predicted(right, "validation")
    opened = None if test is None else predicted(test)
    shares = [float(np.mean(right)), float(np.mean(right if test is None else test))]
    counts = [len(right), len(right if test is None else test)]
    wrong = [round(n * (1 - share)) for n, share in zip(counts, shares, strict=True)]
    loss = 2 - shares[0]
    found = {
        "validation": ValidationResult(shares[0], loss, counts[0], wrong[0]),
        "test": None if test is None else Result(shares[1], 2 - shares[1], counts[1], wrong[1]),
        "evaluated": "validation" if test is None else "test",
        "per_class": tuple(ClassSummary(name, 1, 0.5, 0.5, 0.5) for name in classes),
        **summary,
    }
    write_object(folder.summary, a_summary(**found))
    write_object(folder.status, a_status(state=state))
    write_object(
        folder.provenance, a_provenance(seed=seed, data_fingerprint=data, precision="float32")
    )
    write_atomically(folder.config, json.dumps(a_config(seed, config or {})))
    write_atomically(folder.predictions, packed_predictions(Predictions(opened, validation)))
    rows = [
        {"epoch": n, "step": n, "val_accuracy": shares[0] * n / 4, "val_loss": loss + 1 / n}
        for n in range(1, 5)
    ]
    write_metrics(folder.metrics, rows)
    return Run(folder)


def a_config(seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    """A configuration; changes are by dotted key."""
    config: dict[str, Any] = {
        "name": "made",
        "seed": seed,
        "device": "cpu",
        "evaluate_test": False,
        "dataset": {"_target_": "cifar_lab.data.Digits", "validation_fraction": 0.1},
        "model": {"_target_": "cifar_lab.models.CustomResNet", "width": 8},
        "augmentation": {
            "train": {"flip": {"_target_": "albumentations.HorizontalFlip", "p": 0.5}}
        },
        "optimizer": {"_target_": "cifar_lab.optim.sgd", "lr": 0.1, "momentum": 0.9},
        "scheduler": {"_target_": "cifar_lab.optim.Constant", "max_lr": 0.1},
        "criterion": {"_target_": "cifar_lab.optim.cross_entropy"},
        "trainer": {
            "_target_": "cifar_lab.engine.Trainer",
            "epochs": 4,
            "precision": "auto",
            "test_time_flips": False,
        },
        "report": {"_target_": "cifar_lab.report.ReportOptions", "misclassified": seed},
    }
    for key, value in changes.items():
        *groups, last = key.split(".")
        node = config
        for group in groups:
            node = node[group]
        node[last] = value
    return config


def drawn(share: float, seed: int, images: int = IMAGES) -> NDArray[np.bool_]:
    """Whether each image is classified correctly: easy images by all, others by chance."""
    ease = np.linspace(0, 1, images)
    noise = np.random.default_rng(seed).normal(0, 0.15, images)
    return ease + noise > 1 - share


def a_grid(root: Path, seeds: int = 3, images: int = IMAGES, **options: Any) -> list[Run]:
    """Three configurations with several seeds each: in the middle, ahead, and far off."""
    return [
        a_run(
            root / "made" / f"lr={lr},seed={seed}" / "time",
            drawn(share, 100 * number + seed, images),
            seed=seed,
            config={"optimizer.lr": lr},
            **options,
        )
        for number, (lr, share) in enumerate(((0.1, 0.75), (0.2, 0.78), (0.5, 0.4)))
        for seed in range(seeds)
    ]
