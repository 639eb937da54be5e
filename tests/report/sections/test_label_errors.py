"""What a report says of labels that a network doubts."""

from __future__ import annotations

import numpy as np

from cifar_lab.report.sections import label_errors as section
from cifar_lab.report.sections.label_errors import label_errors
from cifar_lab.run.predictions import Predictions, SplitPredictions
from tests.report.readings import CLASSES, LABELS, closed, dataset, reading


def doubted(predicted: list[int], confidence: float = 8):
    """Logits of the test images that give these classes."""
    return (confidence * np.eye(3)[predicted]).astype(np.float32)


#: All twelve predictions are right, but of the first and the last image.
TWO = [1, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 0]


def test_pictures_come_first_and_then_a_folded_table(titles):
    method, chart, table = label_errors(reading(logits=doubted(TWO)))
    [picture] = chart.pictures
    assert method.text.startswith("These are suspicions, not findings")
    assert picture.width == "natural"
    assert picture.caption.endswith("Showing all 2.")
    assert picture.alt == (
        '2 images with a label that may be wrong: <b> (or cats & dogs?) and "quoted" (or <b>?).'
    )
    sure, doubt = (f"{100 * p / (np.exp(8) + 2):.2f} %" for p in (np.exp(8), 1))
    assert titles[0].startswith(f"{CLASSES[0]}: {doubt}\n")
    assert titles[0].endswith(sure)
    assert titles[1].endswith(f"{CLASSES[0]}: {sure}")
    assert table.folded == "2 suspected label errors by margin"
    assert table.rows == [
        ['test/0"><i>', "test", CLASSES[0], doubt, CLASSES[1], sure],
        ['test/11"><i>', "test", CLASSES[2], doubt, CLASSES[0], sure],
    ]


def test_of_many_some_are_shown_and_listed(monkeypatch, titles):
    monkeypatch.setattr(section, "SHOWN", 1)
    monkeypatch.setattr(section, "LISTED", 1)
    _, chart, table = label_errors(reading(logits=doubted(TWO)))
    assert chart.pictures[0].caption.endswith("Showing 1 of 2.")
    assert table.folded == "1 of 2 suspected label errors by margin"
    assert len(titles) == len(table.rows) == 1


def test_validation_images_are_suspected_beside_test_images(titles):
    both = Predictions(
        SplitPredictions(doubted(TWO), LABELS, np.asarray([""] * 12)),
        SplitPredictions(doubted([0, 2, 2], 9), np.arange(3), np.asarray([""] * 3)),
    )
    *_, table = label_errors(reading(predictions=both))
    assert [row[:2] for row in table.rows] == [
        ["train/10", "validation"], ['test/0"><i>', "test"], ['test/11"><i>', "test"],
    ]  # fmt: skip


def test_while_the_test_set_is_closed_only_validation_images_are(titles):
    *_, table = label_errors(closed([0, 2, 2]))
    assert [row[:2] for row in table.rows] == [["train/10", "validation"]]


def test_a_poor_network_suspects_nothing():
    [told] = label_errors(reading(logits=doubted([1, 2, 0] * 4)))
    right = np.asarray([1, 2, 0] * 4) == LABELS
    assert told.text == (
        f"Label errors among the test images were not looked for: at an accuracy of "
        f"{100 * right.mean():.2f} %, which is below 60.00 %, nothing can be suspected from the "
        "network's predictions."
    )


def test_a_network_that_agrees_with_all_labels_suspects_none():
    [told] = label_errors(reading(logits=doubted(LABELS.tolist())))
    assert told.text == "No validation or test label is suspected to be wrong."


def test_the_image_that_is_shown_is_the_suspected_one(monkeypatch):
    drawn = []
    monkeypatch.setattr(section, "grid", lambda _, tiles, *rest, **words: drawn.extend(tiles) or [])
    label_errors(reading(logits=doubted(TWO)))
    expected = dataset().source.test.images[[0, 11]]
    assert np.array_equal(np.asarray([tile.image for tile in drawn]), expected)
