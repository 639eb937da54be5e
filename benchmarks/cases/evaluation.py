"""Bookkeeping of an evaluation and the figures of a report, without the forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmarks import ours, peers
from benchmarks.measure import (
    Case,
    Different,
    Result,
    Settings,
    assert_close,
    assert_same,
    compare,
    timed,
)

CLASSES, SHOWN, EPOCHS, STEPS = 10, 10, 24, 98
CLASS_NAMES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def run(settings: Settings) -> Result:
    """Asserts equal loss, accuracies, and number and size of figures, then times both sides."""
    given = _evaluation(settings)
    mine, theirs = _ours(given), _theirs(given)
    (found, pictures), (expected, their_pictures) = mine(), theirs()
    for name in ("loss", "accuracy", "per_class"):
        assert_close(name, found[name], expected[name], 1e-6)
    assert_same("number of figures", len(pictures), len(their_pictures))
    for picture in (*pictures, *their_pictures):
        if not picture.startswith(b"\x89PNG"):
            raise Different("a figure is not a PNG file")
    sizes = [tuple(map(_pixels, side)) for side in (pictures, their_pictures)]
    assert_same("sizes of the figures", *sizes)
    return compare(timed(mine), timed(theirs), settings.size(10, 2))


def _ours(given: dict[str, Any]) -> Any:
    return lambda: ours.evaluation_figures(**given)


def _theirs(given: dict[str, Any]) -> Any:
    course = peers.load("course_reporting")
    batches, images, maps, rows = (given[k] for k in ("batches", "images", "maps", "rows"))

    def side() -> tuple[dict[str, Any], list[bytes]]:
        found = course.evaluate(batches, given["built"].learner.criterion, CLASS_NAMES)
        wrong = found["wrong"][:SHOWN]
        shown = images[[row[0] for row in wrong]]
        return found, [
            course.curves(rows),
            course.learning_rate(given["planned"], STEPS),
            course.gallery(shown, maps, wrong, CLASS_NAMES),
        ]

    return side


def _evaluation(settings: Settings) -> dict[str, Any]:
    """Creates logits that are right for 90 % of the images, in batches of 500, and run records."""
    built = ours.experiment(*settings.images(), "device=cpu", "trainer.precision=float32")
    pictures = built.dataset.source.test.images
    draw, count = np.random.default_rng(0), settings.size(10_000, 500)
    labels = torch.from_numpy(draw.integers(0, CLASSES, count))
    logits = torch.from_numpy(draw.normal(size=(count, CLASSES)).astype(np.float32))
    right = torch.from_numpy(draw.random(count) < 0.9)
    logits[right, labels[right]] += 6
    splits = ("train", "test")
    rows = [
        {
            "epoch": epoch,
            "lr": 0.1 / epoch,
            **{f"{split}_loss": 1 / epoch for split in splits},
            **{f"{split}_accuracy": 1 - 0.5 / epoch for split in splits},
        }
        for epoch in range(1, EPOCHS + 1)
    ]
    return {
        "batches": list(zip(logits.split(500), labels.split(500), strict=True)),
        "built": built,
        "images": np.resize(pictures, (count, 32, 32, 3)),  # repeated if there are too few
        "maps": draw.normal(size=(SHOWN, 8, 8)).astype(np.float32),
        "class_names": CLASS_NAMES,
        "rows": rows,
        "planned": [0.1 * (1 - step / (EPOCHS * STEPS)) for step in range(EPOCHS * STEPS)],
    }


def _pixels(png: bytes) -> tuple[int, int]:
    """Reads width and height from the first chunk."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


CASES = [
    Case(
        name="evaluation-figures",
        what="bookkeeping for 10,000 evaluated images and a report's figures",
        against="code as in the course studies (`.item()`, subplots, tight_layout)",
        run=run,
    )
]
