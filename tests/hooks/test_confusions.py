"""Confusions by epoch against scikit-learn's."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix
from torch import nn

from cifar_lab import assembly
from cifar_lab.config.compose import Composer
from cifar_lab.config.preflight import preflight
from cifar_lab.data.arrays import Outline
from cifar_lab.data.loaders import EvalLoader
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.learner import Learner
from cifar_lab.hooks import ConfusionsByEpoch, RunView

CPU = torch.device("cpu")


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 10))


@pytest.fixture
def run(digits):
    """Returns a view after some epochs, over a dictionary of files."""
    normalise = Normalise(digits.mean, digits.std, CPU, False, torch.float32)
    train = digits.source.train
    pixels = Pixels(train.images, CPU, resident=True)
    val = EvalLoader(pixels, train.labels, digits.val_indices, normalise, 50)
    files: dict[str, bytes] = {}

    def after(epochs: int, evaluated: nn.Module) -> RunView:
        learner = Learner(network(99), nn.CrossEntropyLoss(), CPU, "float32", False)
        return RunView(
            Path(), {}, ({},) * epochs, files.__setitem__, learner, Loaders(None, val, None),
            evaluated, files.get,
        )  # fmt: skip

    after.files, after.val, after.labels = files, val, train.labels[digits.val_indices]
    return after


def arrays(run) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(run.files["confusions.npz"])) as file:
        return dict(file)


def expected(run, model: nn.Module) -> np.ndarray:
    with torch.no_grad():
        predicted = torch.cat([model(batch.images).argmax(1) for batch in run.val])
    return confusion_matrix(run.labels, predicted.numpy(), labels=range(10))


def test_counts_are_by_epoch_true_and_predicted_class_of_the_evaluated_model(run):
    hook, models = ConfusionsByEpoch(), [network(1), network(2)]
    hook.on_run_start(run(0, models[0]))
    for epoch, model in enumerate(models, 1):
        hook.on_epoch_end(run(epoch, model), {"epoch": epoch})
    found = arrays(run)
    assert found["epochs"].tolist() == [1, 2]
    assert found["confusions"].dtype == np.int32
    for counts, model in zip(found["confusions"], models, strict=True):
        np.testing.assert_array_equal(counts, expected(run, model))


def test_a_resumed_run_keeps_the_epochs_that_it_completed(run):
    hook = ConfusionsByEpoch()
    for epoch in (1, 2, 3):  # after the last checkpoint, that of epoch 2, one more was trained
        hook.on_epoch_end(run(epoch, network(epoch)), {"epoch": epoch})
    resumed = ConfusionsByEpoch()
    resumed.on_run_start(run(2, network(0)))
    resumed.on_epoch_end(run(3, network(7)), {"epoch": 3})
    found = arrays(run)
    assert found["epochs"].tolist() == [1, 2, 3]
    for number, seed in enumerate((1, 2, 7)):
        np.testing.assert_array_equal(found["confusions"][number], expected(run, network(seed)))


def test_without_validation_images_it_is_refused_before_training():
    words = ["dataset=digits", "dataset.validation_fraction=0", "hooks=confusions_by_epoch"]
    (problem,) = assembly.problems(preflight(Composer(), words).job())
    assert problem == (
        "hooks.confusions_by_epoch: confusions on the validation images are asked for, but there "
        "are none; hold some out with dataset.validation_fraction=0.1, or leave this hook out"
    )
    assert ConfusionsByEpoch().unmet_needs(Outline(validated=None)) == []  # not known yet
