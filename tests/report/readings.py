"""A small run, as a report reads it, made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from cifar_lab.data.arrays import Dataset, ImageArrays, SourceImages
from cifar_lab.report.options import ReportOptions
from cifar_lab.report.reading import Reading

#: Names that would be elements, entities or attributes if they were not escaped.
CLASSES = ("<b>", "cats & dogs", '"quoted"')
#: Predicted class of each test image; the true ones are 0 0 0 0 1 1 1 1 2 2 2 2.
PREDICTED = (0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 1, 1)
LABELS = np.repeat(np.arange(3), 4)


def reading(**changes: Any) -> Reading:
    """A reading; changes to the summary, the provenance or the reading itself by name."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(12, 3)).astype(np.float32)
    logits[np.arange(12), PREDICTED] = 4 + np.arange(12) / 10
    summary = {
        "name": "net",
        "dataset": "Custom",
        "model": "Net(width=<4>)",
        "parameters": 6_573_120,
        "multiply_adds": 379_266_432,
        "epochs_planned": 30,
        "epochs_trained": 2,
        "stopped": "time was up",
        "reported_epoch": 2,
        "reported_because": "the best by validation accuracy",
        "validation": {"accuracy": 0.905, "loss": 0.4},
        "test": {"accuracy": 0.75, "loss": 0.3, "count": 12, "wrong": 3},
        "test_without_flips": None,
        "training_seconds": 3_661.2,
    }
    provenance = {
        "command": "cifar-lab train seed=0 'name=<b>'",
        "device": "cpu",
        "device_name": "CPU <Z>",
        "precision": "bfloat16",
        "seed": 0,
        "threads": 2,
        "python": "3.11.7",
        "platform": "Linux",
        "libraries": {"torch": "2.15.0", "absent": None},
        "git": {"commit": "0123456789abcdef", "dirty": True},
        "data_fingerprint": "fedcba9876543210",
        "environment": {"OMP_NUM_THREADS": "2"},
        "fast_path": {"step": "eager"},
        "differences": [{"key": "trainer.epochs", "default": "24", "value": "30"}],
    }
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
        "trainer": {"batch_size": 512},
    }
    settings = {
        "title": "title <u>",
        "options": ReportOptions(
            enabled=True,
            misclassified=2,
            gallery="most_confident",
            gradcam_layer=None,
            averaged_images=12,
        ),
        "config": config,
        "config_text": "seed: 0\nname: <b>\ntrainer:\n  epochs: 30\n  precision: auto",
        "rows": rows,
        "model_table": "Conv2d <64> 1,728\nTotal memory",
        "logits": logits,
        "dataset": dataset(),
        "stack": None,
        "planned": [0.1, 0.05, 0.02, 0.01],
        "steps_per_epoch": 2,
        "layers": ("layer2",),
        "trust": None,
        "found": None,
    }
    for known in (summary, provenance, settings):
        known.update({name: changes[name] for name in changes.keys() & known.keys()})
    assert changes.keys() <= summary.keys() | provenance.keys() | settings.keys()
    return Reading(summary=summary, provenance=provenance, **settings)


def dataset() -> Dataset:
    """Nine training, three validation and twelve test images, one of which is a training image."""
    generator = np.random.default_rng(1)
    train = ImageArrays(
        generator.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8),
        np.arange(12) % 3,
        CLASSES,
        np.asarray([f"train/{n}" for n in range(12)]),
    )
    images = generator.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
    images[5] = train.images[7]
    test = ImageArrays(
        images, LABELS.copy(), CLASSES, np.asarray([f'test/{n}"><i>' for n in range(12)])
    )
    source = SourceImages(train, test, "f" * 64)
    return Dataset(source, np.arange(9), np.arange(9, 12), np.full(3, 0.5), np.full(3, 0.25))
