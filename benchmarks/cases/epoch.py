"""An epoch end to end against Lightning: augmentation, training, metrics and evaluation."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch

from benchmarks import ours, peers
from benchmarks.cases.input_pipeline import assert_same_views, peer_loader
from benchmarks.cases.training_step import LEARNING_RATE, TOLERANCE, random_batches
from benchmarks.measure import Case, Result, Settings, assert_close, compare, timed
from benchmarks.peers.models import ThreeBlocks

LIGHTNING = {"float32": "32-true", "bfloat16": "bf16-mixed"}


def run(settings: Settings, precision: str, theirs: str) -> Result:
    """Asserts equal losses, equivalent images and equal evaluations, then times epochs."""
    lightning = peers.load("lightning_peer")
    built = experiment(settings, precision)
    _assert_equal_losses(built, lightning, precision, theirs)
    assert_same_views(built, "albumentations_loader")
    train = peer_loader(built, "albumentations_loader", built.plan.batch_size)
    test = _test_loader(built)
    classifier = _classifier(built, lightning)
    _assert_equal_evaluation(built, lightning, classifier, test)

    def their_epoch() -> None:
        lightning.fit(classifier, train, test, LIGHTNING[theirs])

    result = compare(timed(lambda: ours.fit(built)), timed(their_epoch), settings.size(3, 2))
    accuracies = (
        ours.evaluate(built)[1],
        lightning.validate(classifier, test)["val_accuracy"],
    )
    return result.noted(
        f"{built.plan.batch_size} images per batch; test accuracy after {result.pairs + 1} such "
        f"epochs: {accuracies[0]:.1%} against {accuracies[1]:.1%}"
    )


def experiment(settings: Settings, precision: str, *overrides: str) -> ours.Experiment:
    """Builds the three-block network; each fit is one epoch and an evaluation on test images."""
    batch_size = settings.size(1024, 64)
    built = ours.experiment(
        *settings.images(),
        # Fewer than 50,000, with which an epoch of Lightning would take a minute, and ours a third.
        f"dataset.limit_train_images={settings.size(20_480, 192)}",
        "dataset.validation_fraction=0",
        "augmentation=crop_flip_cutout8",
        "scheduler=constant",
        f"optimizer.lr={LEARNING_RATE}",
        f"trainer.precision={precision}",
        f"trainer.batch_size={batch_size}",
        "trainer.limit_epochs=1",
        "trainer.test_every_epoch=true",
        *overrides,
    )
    torch.manual_seed(0)
    return ours.around(built, ThreeBlocks(len(built.dataset.class_names)))


def _classifier(built: ours.Experiment, lightning: Any) -> Any:
    model = copy.deepcopy(built.learner.model).to(memory_format=torch.contiguous_format)
    return lightning.Classifier(model, built.learner.criterion, LEARNING_RATE)


def _test_loader(built: ours.Experiment) -> Any:
    module, data = peers.load("albumentations_loader"), built.dataset
    stack = module.evaluation_stack(data.mean.tolist(), data.std.tolist())
    test = data.source.test
    return module.loader(
        test.images, test.labels, stack, built.setup.eval_batch_size, shuffle=False
    )


def _assert_equal_losses(
    built: ours.Experiment, lightning: Any, precision: str, theirs: str
) -> None:
    """Compares two steps from the same weights on the same batches, each as a separate epoch."""
    trial = ours.around(built, copy.deepcopy(built.learner.model))
    batches = random_batches(2, 64, built.learner.device)
    classifier = _classifier(built, lightning)
    found = [
        lightning.fit(classifier, lightning.Prepared([batch]), precision=LIGHTNING[theirs])[0][
            "train_loss"
        ]
        for batch in batches
    ]
    tolerance = max(TOLERANCE[precision], TOLERANCE[theirs])
    # Each fit of Lightning resets the momentum, so that only the first two losses can agree.
    assert_close("losses of two steps", ours.losses(trial, batches), found, tolerance)


def _assert_equal_evaluation(
    built: ours.Experiment, lightning: Any, classifier: Any, test: Any
) -> None:
    loss, accuracy = ours.evaluate(built)
    found = lightning.validate(classifier, test)
    assert_close("test loss", loss, found["val_loss"], 1e-2)
    assert_close("test accuracy", accuracy, found["val_accuracy"], 2e-2)


CASES = [
    Case(
        name=f"epoch-{name}",
        what=f"one epoch end to end, three-block network, {precision}",
        against=f"Lightning, albumentations in a DataLoader, 2 workers, {theirs}",
        run=functools.partial(run, precision=precision, theirs=theirs),
        in_bfloat16=precision == "bfloat16",
    )
    for name, precision, theirs in (
        ("default", "bfloat16", "float32"),
        ("bf16", "bfloat16", "bfloat16"),
        ("fp32", "float32", "float32"),
    )
]
