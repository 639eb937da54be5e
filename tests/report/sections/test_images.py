"""The gallery's images: which, in which order, and what is told of each."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.charts import gallery as galleries
from cifar_lab.report.charts.gallery import Item, gallery
from cifar_lab.report.sections.images import chosen, items
from tests.report.readings import LABELS, PREDICTED, reading


def test_the_reports_images_come_first_and_then_each_confusion_in_turn():
    run = reading()
    rows = chosen(run)
    assert rows[:2] == [error.row for error in run.errors]
    assert sorted(rows) == list(range(12))
    # The first turn has one image of each of the five pairs, unless it was there before.
    pairs = [(int(LABELS[row]), PREDICTED[row]) for row in chosen(run, most=5)]
    assert set(pairs[:2]) == {(2, 1), (0, 1)}
    assert set(pairs) == {(2, 1), (0, 1), (0, 0), (1, 1), (2, 2)}


def test_of_each_pair_the_highest_loss_comes_first():
    run = reading()
    losses = {item.sample: item.loss for item in items(run, ReportMaps([], None))}
    names = [str(run.evaluated.sample_ids[row]) for row in chosen(run)[2:]]
    right = [losses[name] for name, row in zip(names, chosen(run)[2:], strict=True)
             if LABELS[row] == PREDICTED[row] == 1]  # fmt: skip
    assert right == sorted(right, reverse=True)


def test_what_is_told_of_an_image_is_its_softmax():
    run = reading()
    first = items(run, ReportMaps([], None))[0]
    row = run.errors[0].row
    logits = run.logits[row].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum()
    told = dict(first.ranked)
    for name, share in zip(run.class_names, shares, strict=True):
        assert told[name] == pytest.approx(100 * share)
    assert first.loss == pytest.approx(-np.log(shares[LABELS[row]]))
    assert first.predicted == PREDICTED[row]


def test_a_gallery_keeps_to_its_bytes_and_says_how_many_it_has(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 48, 3), dtype=np.uint8)
    all_items = [Item(image, f"<{n}>", 0, 1, 1.0, [("a", 100.0)]) for n, image in enumerate(noise)]
    monkeypatch.setattr(galleries, "BYTES", 50_000)
    html = gallery(all_items, ["a", "<b>"], "{} images")
    assert html.count("<li ") == 5  # of 9.3 kB each
    assert "<figcaption>5 images</figcaption>" in html
    assert "<b>" not in html
    large = Item(np.zeros((500, 300, 3), np.uint8), "x", 0, 0, 0.1, [])
    assert "image/jpeg" in gallery([large], ["a"], "{}")
