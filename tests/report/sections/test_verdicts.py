"""Each verdict on hand-made rows and predictions: one that shows, and one just below it."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from cifar_lab.engine.lr_finder import Curve, RangeTest
from cifar_lab.report.blocks import Findings, Text
from cifar_lab.report.sections import verdicts as module
from cifar_lab.report.sections.verdicts import (
    at_edge,
    copied,
    overfitted,
    still_rising,
    uncalibrated,
    unpredicted,
    verdicts,
)
from cifar_lab.run.lr_finder import LrFinder, finding
from cifar_lab.run.predictions import Predictions, SplitPredictions
from cifar_lab.run.summary import ValidationResult
from tests.report.readings import LABELS, PREDICTED, closed, dataset, reading


def rows(*accuracies: float, train: float = 0.8, lr: float = 0.1) -> list[dict[str, float]]:
    return [
        {"epoch": epoch, "lr": lr, "train_accuracy": train, "val_accuracy": accuracy}
        for epoch, accuracy in enumerate(accuracies, start=1)
    ]


def validated(accuracy: float) -> ValidationResult:
    return ValidationResult(accuracy, 0.4, count=10_000, wrong=0)


def test_a_network_that_diverged_is_told_and_nothing_else_is_judged():
    predictions = predicting(list(PREDICTED))
    predictions.test.logits[:2, 0] = np.nan
    shown = verdicts(reading(predictions=predictions))
    assert [each.text for block in shown for each in block.findings] == [
        f"Training diverged: the logits of 2 of {len(LABELS)} test images are not finite. A lower "
        "learning rate or `trainer.clip_gradient_norm` may help."
    ]


def test_a_validation_accuracy_that_rises_at_the_end_is_told_with_both_values():
    found = still_rising(reading(metrics=rows(0.5, 0.8, 0.811), validation=validated(0.811)))
    assert (found.text, found.section) == (
        "Validation accuracy was still rising when training ended: in the last epoch from 80.00 % "
        "to 81.10 %. More epochs may raise it further.",
        "Training",
    )
    assert still_rising(reading(metrics=rows(0.5, 0.8, 0.809), validation=validated(0.8))) is None


def test_the_last_epochs_of_a_long_run_are_taken_together():
    slow = rows(*(0.5 + 0.003 * epoch for epoch in range(100)))
    found = still_rising(reading(metrics=slow, validation=validated(0.797)))
    assert "in the last 5 epochs from 78.20 % to 79.70 %." in found.text


def test_while_the_learning_rate_is_annealed_a_rise_is_expected():
    """The planned rates of the reading have their maximum at 0.1."""
    for lr, expected in ((0.011, True), (0.01, False)):
        run = reading(metrics=rows(0.7, 0.75, lr=lr), validation=validated(0.75))
        assert (still_rising(run) is not None) is expected


def test_training_and_validation_accuracy_that_are_far_apart_are_told():
    run = reading(metrics=rows(0.7, 0.75, train=0.95), validation=validated(0.8499))
    assert overfitted(run).text.startswith(
        "Training accuracy is 95.00 % and validation accuracy 84.99 %, 10.01 points apart: the "
        "model overfits."
    )
    assert overfitted(run).section == "Training"
    near = reading(metrics=rows(0.7, 0.75, train=0.95), validation=validated(0.8501))
    assert overfitted(near) is None


def test_both_are_of_the_reported_epoch():
    changed = rows(0.7, 0.75, train=0.99)
    changed[0]["train_accuracy"] = 0.8
    assert (
        overfitted(reading(metrics=changed, validation=validated(0.75), reported_epoch=1)) is None
    )
    assert overfitted(reading(metrics=changed, validation=validated(0.75))) is not None


def test_without_validation_images_training_is_compared_with_the_test_images():
    run = reading(metrics=rows(0.7, 0.75, train=0.99), validation=None)
    assert overfitted(run) is None  # of 12 images, 9 are right: two standard errors are 25 points
    many = replace(run.run.summary.test, count=1200, wrong=300)
    found = overfitted(reading(metrics=rows(0, 0, train=1.0), validation=None, test=many))
    assert "test accuracy 75.00 %, 25.00 points apart" in found.text


def range_tests(falls_at: int) -> LrFinder:
    """Of 100 steps from 1e-05 to 10; the loss falls at one of them."""
    test = RangeTest(
        start_lr=1e-5, end_lr=10.0, steps=100, spacing="exponential", smoothing=1.0,
        divergence=5.0, seeds=1, suggestion="steepest",
    )  # fmt: skip
    losses = [2.0] * falls_at + [1.5] + [1.0] * (99 - falls_at)
    curve = Curve([test.learning_rate(step) for step in range(100)], losses, losses, None)
    return finding(test, {0: curve}, device="cpu", precision="float32", seconds=1.0)


def test_a_learning_rate_at_the_edge_of_the_range_is_told_with_the_key_to_change():
    assert at_edge(range_tests(10)).text == (
        "The learning rate that the range tests chose, 4.04e-05, is at the lower end of what they "
        "tried (1e-05 to 10): a lower one may be better. Try a lower `lr_finder.start_lr`."
    )
    assert at_edge(range_tests(94)).text.endswith(
        ": a higher one may be better. Try a higher `lr_finder.end_lr`."
    )
    assert at_edge(range_tests(13)) is None


def predicting(predicted: list[int], labels: np.ndarray = LABELS) -> Predictions:
    logits = 9 * np.eye(3, dtype=np.float32)[predicted]
    return Predictions(SplitPredictions(logits, labels, np.asarray([""] * len(labels))), None)


def of_labels(counts: tuple[int, ...], predicted: list[int]):
    """A reading whose twelve test images have these classes."""
    labels = np.repeat(np.arange(3), counts)
    images = dataset()
    images.source.test.labels[:] = labels
    return reading(dataset=images, predictions=predicting(predicted, labels))


def test_a_class_that_is_never_predicted_is_named():
    found = unpredicted(of_labels((5, 2, 5), [0] * 5 + [1] * 7))
    assert (found.text, found.section) == (
        'The class "quoted" is never predicted, although it has 5 test images.', "Classes",
    )  # fmt: skip
    assert unpredicted(of_labels((5, 3, 4), [0] * 5 + [1] * 7)) is None  # too few images to tell
    assert unpredicted(of_labels((5, 2, 5), [0] * 5 + [1] * 6 + [2])) is None


def test_several_such_classes_are_counted():
    found = unpredicted(of_labels((1, 6, 5), [0] * 12))
    assert found.text == (
        "2 of 3 classes are never predicted, although they have 11 test images: cats & dogs and "
        '"quoted".'
    )


def sure(share: float, images: int, right: int):
    """A reading of images that are predicted with a confidence, of which some are right."""
    other = np.log((1 - share) / 2 / share)
    labels = np.zeros(images, dtype=np.int64)
    labels[right:] = 1
    logits = np.full((images, 3), other, dtype=np.float32)
    logits[:, 0] = 0
    found = reading(logits=logits)
    vars(found).update({"right": labels == 0})
    return found


def test_confidence_that_is_off_is_told_with_what_chance_explains():
    text = uncalibrated(sure(0.9, 1000, 800)).text
    assert text.startswith(
        "The model is too confident: its confidence is 90.00 % on average at an accuracy of "
        "80.00 %. The expected calibration error is 10.00 %; sampling noise alone explains at most "
    )
    assert "is not confident enough" in uncalibrated(sure(0.7, 1000, 800)).text
    assert uncalibrated(sure(0.9, 1000, 851)) is None  # below 5 %
    assert uncalibrated(sure(0.9, 20, 16)) is None  # 10 % of 20 images


def test_copies_are_counted_in_each_split():
    assert copied(reading()).text.startswith(
        "Images trained on have exact copies in other splits: 1 of 12 test images."
    )
    assert copied(reading()).section == "Data"
    images = dataset()
    images.source.test.images[5] += 1
    assert copied(reading(dataset=images)) is None
    images = dataset()
    images.source.train.images[9] = images.source.train.images[0]
    found = copied(reading(dataset=images))
    assert "splits: 1 of 12 test images and 1 of 3 validation images." in found.text


def test_a_few_copies_among_many_images_do_not_stand_out(monkeypatch):
    monkeypatch.setattr(module, "COPIED", 1 / 11)
    assert copied(reading()) is None


def ordinary():
    """A reading without copies, calibrated, whose validation accuracy no longer rises."""
    images = dataset()
    images.source.test.images[5] += 1
    logits = np.log(5) * np.eye(3, dtype=np.float32)[list(PREDICTED)]  # a confidence of 5 / 7
    predictions = Predictions(SplitPredictions(logits, LABELS, np.asarray([""] * 12)), None)
    return reading(metrics=rows(0.7, 0.75, 0.75), dataset=images, predictions=predictions)


def test_where_nothing_is_off_one_sentence_says_so_and_what_was_checked():
    assert verdicts(ordinary()) == [
        Text(
            "Nothing stands out. Checked: training length, overfitting, classes that are never "
            "predicted, calibration and copies across splits."
        )
    ]
    (text,) = verdicts(closed(metrics=rows(0.7, 0.75, 0.75), dataset=ordinary().dataset))
    assert text.text.startswith("Nothing stands out.")


def test_what_stands_out_is_listed_in_the_order_of_the_sections():
    (block,) = verdicts(reading(metrics=rows(0.1, 0.9, train=0.99), lr_finder=range_tests(10)))
    assert isinstance(block, Findings)
    assert [each.section for each in block.findings] == [
        "Training", "Training", "Confidence", "Data",
    ]  # fmt: skip


def test_a_check_that_fails_costs_only_itself(monkeypatch, caplog):
    def fails(confidence):
        raise ValueError("no bins")

    monkeypatch.setattr(module, "error_by_chance", fails)
    with caplog.at_level(logging.WARNING, "cifar_lab"):
        found, told = verdicts(reading())
    assert [each.section for each in found.findings] == ["Training", "Data"]
    assert told.warning
    assert told.text.startswith("The check of calibration could not be made: ValueError: no bins.")
    (alone,) = verdicts(ordinary())
    assert alone.warning  # nothing says that nothing stands out
