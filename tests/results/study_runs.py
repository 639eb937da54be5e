"""Hand-made recorded runs of published studies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cifar_lab.run.files import write_atomically, write_json, write_object
from cifar_lab.run.summary import ClassSummary, Result
from tests.made import a_provenance, a_summary

PUBLISHED: dict[str, Any] = {
    "studies": [
        {
            "name": "wide",
            "title": "Wide: first",
            "parameters": 1234,
            "epochs": 3,
            "batch_size": 64,
            "target_accuracy": 0.8,
            "test_accuracy": 0.85,
            "train_accuracy": 0.9,
            "asked": {"model": "a wide net", "loss": "cross entropy"},
            "as_run": {"optimizer": "Adam"},
            "wrong": ["Its scheduler stood still."],
        },
        {
            "name": "deep",
            "title": "Deep: second",
            "parameters": 9,
            "epochs": 3,
            "batch_size": 64,
            "target_accuracy": None,
            "test_accuracy": 0.5,
            "train_accuracy": 0.6,
            "asked": {},
            "as_run": {},
            "wrong": [],
        },
    ],
    "as_run_in_all": "Reflect padding.",
    "wrong_in_the_originals": ["Labels out of order."],
}


def experiments_with(root: Path, *runs: dict[str, Any]) -> Path:
    """Create an ``experiments/`` with published studies and recorded runs of them."""
    experiments = root / "experiments"
    write_json(experiments / "published.json", PUBLISHED)
    (experiments / "results").mkdir(exist_ok=True)
    for number, changes in enumerate(runs):
        _record(experiments / "results", number, **changes)
    return experiments


def _record(
    results: Path,
    number: int,
    *,
    name: str = "wide",
    test: float = 0.86,
    trained: int = 3,
    planned: int = 3,
    device: str = "A processor",
    precision: str = "float32",
    parameters: int = 1234,
    stopped: str | None = None,
    words: str = "",
    **config: Any,
) -> None:
    folder = results / name / f"2026-01-0{number + 1}"
    whole: dict[str, Any] = {
        "name": name,
        "seed": number,
        "dataset": {"_target_": "x.Cifar10", "root": "/data", "limit_train_images": None},
        "model": {"_target_": "x.Net", "width": 4},
        "augmentation": {"train": {"crop": {"_target_": "x.Crop", "padding_pixels": 4}}},
        "optimizer": {"_target_": "x.sgd", "momentum": 0.9},
        "scheduler": {"_target_": "x.OneCycle", "max_lr": 0.1},
        "criterion": {"_target_": "x.cross_entropy"},
        "trainer": {
            "_target_": "x.Trainer",
            "batch_size": 64,
            "limit_batches": None,
            "limit_epochs": None,
        },
    }
    for key, value in config.items():
        group, _, last = key.partition("__")
        whole[group][last] = value
    write_atomically(folder / "config.json", json.dumps(whole))
    recalls = {"cat": test - 0.1, "dog": test + 0.1}
    summary = a_summary(
        name=name,
        model="Net(width=4)",
        parameters=parameters,
        epochs_planned=planned,
        epochs_trained=trained,
        stopped=stopped,
        reported_epoch=trained,
        test=Result(accuracy=test, loss=0.3, count=1000, wrong=round(1000 * (1 - test))),
        final={"train_accuracy": test + 0.02},
        per_class=tuple(ClassSummary(k, 10, v, v, v) for k, v in recalls.items()),
        training_seconds=90.0,
    )
    write_object(folder / "summary.json", summary)
    made_with = a_provenance(
        command=f"cifar-lab train experiments={name} seed={number} {words}".strip(),
        device_name=device,
        precision=precision,
        seed=number,
    )
    write_object(folder / "provenance.json", made_with)
    lines = ["epoch,train_loss,train_accuracy,test_loss,test_accuracy"]
    for epoch in range(1, trained + 1):
        best = test + 0.03 * (epoch == 2)
        lines.append(f"{epoch},{1 / epoch},{0.3 * epoch},{1.1 / epoch},{best}")
    write_atomically(folder / "metrics.csv", "\n".join(lines) + "\n")
