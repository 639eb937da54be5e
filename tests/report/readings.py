"""A small hand-made run, as a report reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.data.batch_augment import AugmentationStack
from cifar_lab.data.loaders import TrainLoader
from cifar_lab.data.mixing import Mixing
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.report.options import ReportOptions
from cifar_lab.report.reading import Reading
from cifar_lab.run.drawn import DrawnFigure
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.git import Git
from cifar_lab.run.predictions import Predictions, SplitPredictions
from cifar_lab.run.record import Maps, Run
from cifar_lab.run.store import Store
from cifar_lab.run.summary import ValidationResult
from cifar_lab.run.trust import Trust
from tests.made import a_provenance, a_summary

#: Names that would become elements, entities or attributes if they were not escaped.
CLASSES = ("<b>", "cats & dogs", '"quoted"')
#: Predicted class of each test image; the true ones are 0 0 0 0 1 1 1 1 2 2 2 2.
PREDICTED = (0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 1, 1)
LABELS = np.repeat(np.arange(3), 4)


def reading(**changes: Any) -> Reading:
    """A reading, with changes by name to the summary, the provenance or the reading itself."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(12, 3)).astype(np.float32)
    logits[np.arange(12), PREDICTED] = 4 + np.arange(12) / 10
    logits = changes.pop("logits", logits)
    summary = a_summary(
        name="net",
        dataset="Custom",
        model="Net(width=<4>)",
        epochs_planned=30,
        epochs_trained=2,
        stopped="time was up",
        reported_epoch=2,
        training_seconds=3_661.2,
    )
    provenance = a_provenance(
        command="cifar-lab train seed=0 'name=<b>'",
        device_name="CPU <Z>",
        precision="bfloat16",
        git=Git("0123456789abcdef", dirty=True),
        environment={"OMP_NUM_THREADS": "2"},
    )
    rows = [
        {
            "epoch": epoch,
            "lr": 0.1 / epoch,
            "train_loss": 2.0 / epoch,
            "train_accuracy": 0.25 * epoch,
            "val_loss": 2.5 / epoch,
            "val_accuracy": 0.2 * epoch,
        }
        for epoch in (1, 2)
    ]
    config = {
        "mixing": {"_target_": "cifar_lab.data.no_mixing"},
        "seed": 0,
        "optimizer": {"_target_": "x.sgd", "momentum": 0.9},
        "augmentation": {"train": {}},
        "trainer": {"batch_size": 512, "limit_batches": None, "test_time_flips": False},
    }
    predictions = Predictions(SplitPredictions(logits, LABELS, np.asarray([""] * 12)), None)
    parts = {
        "config": config,
        "config_text": "seed: 0\nname: <b>\ntrainer:\n  epochs: 30\n  precision: auto",
        "metrics": rows,
        "model_table": "Conv2d <64> 1,728\nTotal memory",
        "predictions": predictions,
        "lr_finder": None,
        "robustness": None,
        "maps": None,
        "trust": None,
        "drawn": (),
        "folder": Path("outputs/net/2026-01-02/title <u>"),
    }
    settings = {
        "options": ReportOptions(
            enabled=True,
            misclassified=2,
            gallery="most_confident",
            gradcam_layer=None,
            averaged_images=12,
        ),
        "dataset": dataset(),
        "loader": loader(dataset()),
        "planned": [0.1, 0.05, 0.02, 0.01],
        "steps_per_epoch": 2,
        "layers": ("layer2",),
        "near_duplicates": None,
    }
    for known in (parts, settings):
        known.update({name: changes.pop(name) for name in changes.keys() & known.keys()})
    of_summary = {name: changes.pop(name) for name in changes.keys() & vars(summary).keys()}
    parts["summary"] = dataclasses.replace(summary, **of_summary)
    parts["provenance"] = dataclasses.replace(provenance, **changes)
    return Reading(run=a_run(**parts), **settings)


def closed(predicted: Sequence[int] = (0, 2, 2), **changes: Any) -> Reading:
    """The same while its test set stays closed; its validation images are of the classes 0 1 2."""
    logits = np.eye(3, dtype=np.float32)[list(predicted)]
    validation = SplitPredictions(logits, np.arange(3), np.asarray(["a", "b", "c"]))
    wrong = int((np.asarray(predicted) != np.arange(3)).sum())
    settings = {
        "test": None,
        "evaluated": "validation",
        "validation": ValidationResult(1 - wrong / 3, 0.4, count=3, wrong=wrong),
        "predictions": Predictions(None, validation),
    }
    return reading(**(settings | changes))


def a_run(trust: Trust | None, drawn: Sequence[DrawnFigure], folder: Path, **parts: Any) -> Run:
    """A run without files: each part is stored where its property would cache it."""
    folder = RunFolder(folder)
    maps = Maps(Store(folder))
    vars(maps).update({"trust": trust, "drawn": drawn})
    run = Run(folder)
    vars(run).update({**parts, "maps": maps})
    return run


def loader(
    data: Dataset, stack: AugmentationStack | None = None, mixing: Mixing | None = None
) -> TrainLoader:
    """Batches of four of its training images."""
    normalise = Normalise(data.mean, data.std, torch.device("cpu"), False, torch.float32)
    pixels = Pixels(data.source.train.images, normalise.device, resident=True)
    return TrainLoader(data, pixels, stack, normalise, mixing, batch_size=4, seed=0, workers=0)


def dataset(names: Sequence[str] = CLASSES) -> Dataset:
    """Nine training, three validation and twelve test images, one a copy of a training image."""
    generator = np.random.default_rng(1)
    train = ImageArrays(
        generator.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8),
        np.arange(12) % 3,
        tuple(names),
        np.asarray([f"train/{n}" for n in range(12)]),
    )
    images = generator.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
    images[5] = train.images[7]
    test = ImageArrays(
        images, LABELS.copy(), tuple(names), np.asarray([f'test/{n}"><i>' for n in range(12)])
    )
    source = SourceImages(train, test, "f" * 64)
    return Dataset(source, np.arange(9), np.arange(9, 12), np.full(3, 0.5), np.full(3, 0.25))
