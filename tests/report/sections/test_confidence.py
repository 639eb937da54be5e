"""The section about confidence against values computed from the logits by other means."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from cifar_lab.report.blocks import Block, Chart, Picture, Table, Text
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.confidence import confidence
from cifar_lab.run.predictions import Predictions, SplitPredictions
from tests.report.readings import LABELS, PREDICTED, closed, dataset, reading


def validated(logits: Any = None, labels: Any = (0, 0, 0, 1), **changes: Any) -> Reading:
    """The reading with predictions of validation images: by default, 3 of 4 with a margin of 2."""
    values = np.asarray([[2, 0, -1000]] * 4 if logits is None else logits, np.float32)
    labels = np.asarray(labels)
    validation = SplitPredictions(values, labels, labels.astype(str))
    test = reading().run.predictions.test
    return reading(predictions=Predictions(test, validation), **changes)


def pictures(blocks: list[Block]) -> list[Picture]:
    return [each for block in blocks if isinstance(block, Chart) for each in block.pictures]


def tables(blocks: list[Block]) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]


def texts(blocks: list[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Text)]


def test_calibration_and_loss_stand_before_and_after_the_temperature():
    run = validated()
    blocks = confidence(run).blocks
    measures, bins, _ = tables(blocks)
    assert measures.header == ("on the test images", "as trained", "after temperature scaling")
    found = {name: cells for name, *cells in measures.rows}
    # A margin of 2 with 3 of 4 correct: T = 2 / log 3; the third class is impossible.
    temperature = 2 / np.log(3)
    assert found["temperature"] == ["1.000", f"{temperature:.3f}"]
    for column, times in enumerate((1, temperature)):
        logits = run.logits.astype(float) / times
        loss = -log_softmax(logits, axis=1)[range(12), LABELS].mean()
        assert found["negative log-likelihood (nats)"][column] == f"{loss:.4f}"
        mean = 100 * softmax(logits, axis=1).max(axis=1).mean()
        assert found["mean confidence"][column] == f"{mean:.2f} %"
    assert found["accuracy"] == ["75.00 %", "75.00 %"]
    assert texts(blocks) == []
    errors = found["expected calibration error"]
    caption = pictures(blocks)[0].caption
    assert f"{errors[0]} before and {errors[1]} after temperature scaling" in caption
    assert f"T = {temperature:.3f}, divides all logits" in caption
    assert "on the 4 validation images" in caption
    counts = [[int(row[column]) for row in bins.rows] for column in (1, 4)]
    assert [sum(each) for each in counts] == [12, 12]
    assert all(any(cell not in ("0", "–") for cell in row[1:]) for row in bins.rows)


def test_without_validation_images_it_says_what_to_set():
    without = dataclasses.replace(dataset(), val_indices=np.arange(0))
    blocks = confidence(reading(dataset=without)).blocks
    (said,) = texts(blocks)
    assert "this run has none. `dataset.validation_fraction=0.1`" in said
    assert tables(blocks)[0].header == ("on the test images", "as trained")
    assert "temperature" not in pictures(blocks)[0].caption


def test_an_older_run_without_their_predictions_says_so():
    (said,) = texts(confidence(reading()).blocks)
    assert "this older run did not record its predictions of the validation images" in said


def test_while_the_test_set_is_closed_no_temperature_flatters():
    blocks = confidence(closed()).blocks
    (said,) = texts(blocks)
    assert "the results are of the same images" in said
    assert tables(blocks)[0].header == ("on the validation images", "as trained")


@pytest.mark.parametrize(
    ("logits", "labels", "expected"),
    [
        (np.eye(3), (0, 1, 2), "all 3 validation images are classified correctly"),
        (np.eye(3), (1, 2, 0), "falls at the end of the search range, T = 1000"),
        (np.full((3, 3), np.nan), (0, 1, 2), "are not finite numbers"),
    ],
)
def test_where_no_temperature_is_best_it_says_why(logits, labels, expected):
    blocks = confidence(validated(logits, labels)).blocks
    (said,) = texts(blocks)
    assert expected in said
    assert tables(blocks)[0].header == ("on the test images", "as trained")


def test_the_area_stands_beside_those_of_the_best_and_a_random_order():
    run = reading()
    order = sorted(range(12), key=lambda row: -run.confidence[row])
    wrong = np.asarray(PREDICTED) != LABELS
    kept = [wrong[order[:number]].mean() for number in range(1, 13)]
    best = [max(0, number - 9) / number for number in range(1, 13)]
    blocks = confidence(run).blocks
    area, least = np.mean(kept), np.mean(best)
    assert tables(blocks)[-1].rows == [
        ["most confident first", f"{area:.5f}", f"{area - least:.5f}"],
        ["best possible order", f"{least:.5f}", "0.00000"],
        ["random order", "0.25000", f"{0.25 - least:.5f}"],
    ]
    drawn = pictures(blocks)[1]
    assert f"{100 * kept[5]:.2f} % among the most confident half" in drawn.caption
    assert f"(AURC) {area:.5f}" in drawn.alt


def test_without_errors_there_is_no_risk_to_draw():
    test = SplitPredictions(9 * np.eye(3, dtype=np.float32)[LABELS], LABELS, np.array([""] * 12))
    blocks = confidence(reading(predictions=Predictions(test, None))).blocks
    assert blocks[-1].text == (
        "No image is misclassified, so that there is no risk at any coverage."
    )
    assert [each.name for each in pictures(blocks)] == ["reliability"]


def test_a_network_that_diverged_has_no_confidence_to_judge():
    test = reading().run.predictions.test
    logits = np.where(np.arange(12)[:, None] == 3, np.nan, test.logits).astype(np.float32)
    diverged = SplitPredictions(logits, test.labels, test.sample_ids)
    [told] = confidence(reading(predictions=Predictions(diverged, None))).blocks
    assert "training diverged" in told.text
