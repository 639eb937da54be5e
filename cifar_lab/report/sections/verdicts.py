"""What stands out in a run, in words that lead to the section where it shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

import numpy as np

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.warning_signs import (
    error_by_chance,
    far_apart,
    miscalibrated,
    never_predicted,
    rise_at_end,
)
from cifar_lab.data.duplicates import trained_on
from cifar_lab.data.held_out import SplitName, held_out
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Finding, Findings, Text
from cifar_lab.report.reading import Reading
from cifar_lab.run.lr_finder import LrFinder, rate
from cifar_lab.wording import percent, plural, several

#: The learning rate counts as annealed once it is at most this part of its maximum.
ANNEALED = 1 / 10
#: Share of a split's images from which on copies of training images stand out: fewer change its
#: accuracy by less than 0.1 points.
COPIED = 0.001
#: How many classes are named.
NAMED = 5

Check = Callable[[], Finding | None]


def verdicts(reading: Reading) -> list[Block]:
    """One sentence for each thing that is off, or one that says that nothing is."""
    checks = _checks(reading)
    made = [attempts.finding(what, check) for what, check in checks.items()]
    found = [each for each in made if isinstance(each, Finding)]
    failed = [each for each in made if isinstance(each, Text)]
    if found or failed:
        return [*([Findings(found)] if found else []), *failed]
    return [Text(f"Nothing stands out. Checked: {several(list(checks))}.")]


def _checks(reading: Reading) -> dict[str, Check]:
    """The checks that the run allows, by what they are of."""
    run = reading.run
    if not np.isfinite(reading.logits).all():  # all else follows from it
        return {"divergence": partial(diverged, reading)}
    checks: dict[str, Check] = {}
    if "val_accuracy" in run.metrics[-1]:
        checks["training length"] = partial(still_rising, reading)
    checks["overfitting"] = partial(overfitted, reading)
    if run.lr_finder is not None:
        checks["the finder's range of learning rates"] = partial(at_edge, run.lr_finder)
    checks["classes that are never predicted"] = partial(unpredicted, reading)
    checks["calibration"] = partial(uncalibrated, reading)
    checks["copies across splits"] = partial(copied, reading)
    return checks


def diverged(reading: Reading) -> Finding:
    """Some logits are not numbers."""
    found = ~np.isfinite(reading.logits.min(axis=1))
    return Finding(
        f"Training diverged: the logits of {found.sum():,} of {len(found):,} "
        f"{reading.evaluated.name} images are not finite. A lower learning rate or "
        "`trainer.clip_gradient_norm` may help.",
        "Training",
    )


def still_rising(reading: Reading) -> Finding | None:
    """Training ended while the validation accuracy was rising."""
    rows, validation = reading.run.metrics, reading.run.summary.validation
    annealed = rows[-1]["lr"] <= ANNEALED * max([*reading.planned, *(row["lr"] for row in rows)])
    images = None if validation is None else validation.count
    rise = rise_at_end([row["val_accuracy"] for row in rows], images, annealed)
    if rise is None:
        return None
    end = "the last epoch" if rise.epochs == 1 else f"the last {rise.epochs} epochs"
    return Finding(
        f"Validation accuracy was still rising when training ended: in {end} from "
        f"{percent(rise.before)} to {percent(rise.accuracy)}. More epochs may raise it further.",
        "Training",
    )


def overfitted(reading: Reading) -> Finding | None:
    """The accuracy on held-out images is far below that in training."""
    summary = reading.run.summary
    rows = {row["epoch"]: row for row in reading.run.metrics}
    train = rows[summary.reported_epoch]["train_accuracy"]
    validated = summary.validation is not None
    split, result = "validation" if validated else "test", summary.validation or summary.opened
    if not far_apart(train, result.accuracy, result.count):
        return None
    return Finding(
        f"Training accuracy is {percent(train)} and {split} accuracy {percent(result.accuracy)}, "
        f"{100 * (train - result.accuracy):.2f} points apart: the model overfits. Stronger "
        "augmentation, more weight decay or more images may help.",
        "Training",
    )


def at_edge(found: LrFinder) -> Finding | None:
    """The suggested learning rate lies at an end of the tested range."""
    edge, settings = found.edge, found.settings
    if edge is None:
        return None
    beyond, key = {
        "lower": ("lower", "lr_finder.start_lr"),
        "upper": ("higher", "lr_finder.end_lr"),
    }[edge]
    return Finding(
        f"The learning rate that the range tests chose, {rate(found.max_lr)}, is at the {edge} end "
        f"of what they tried ({settings.start_lr:g} to {settings.end_lr:g}): a {beyond} one may be "
        f"better. Try a {beyond} `{key}`.",
        "Training",
    )


def unpredicted(reading: Reading) -> Finding | None:
    """Classes that the model never predicts."""
    found = never_predicted(reading.matrix)
    if not found:
        return None
    names, counts = reading.class_names, reading.matrix.sum(axis=1)
    split = reading.evaluated.name
    if len(found) == 1:
        images = plural(int(counts[found[0]]), f"{split} image", f"{split} images")
        return Finding(
            f"The class {names[found[0]]} is never predicted, although it has {images}.", "Classes"
        )
    told = [names[label] for label in found[:NAMED]]
    told += [f"{len(found) - NAMED:,} more"] * (len(found) > NAMED)
    images = plural(int(counts[found].sum()), f"{split} image", f"{split} images")
    return Finding(
        f"{len(found):,} of {len(names):,} classes are never predicted, although they have "
        f"{images}: {several(told)}.",
        "Classes",
    )


def uncalibrated(reading: Reading) -> Finding | None:
    """The model's confidence is far from its accuracy, and not by chance."""
    error = calibration(reading.confidence, reading.right).error
    by_chance = error_by_chance(reading.confidence)
    if not miscalibrated(error, by_chance):
        return None
    mean, accuracy = float(reading.confidence.mean()), float(reading.right.mean())
    too = "too confident" if mean > accuracy else "not confident enough"
    return Finding(
        f"The model is {too}: its confidence is {percent(mean)} on average at an accuracy of "
        f"{percent(accuracy)}. The expected calibration error is {percent(error)}; sampling noise "
        f"alone explains at most {percent(by_chance)}.",
        "Confidence",
    )


def copied(reading: Reading) -> Finding | None:
    """Held-out images that are exact copies of images trained on."""
    told = []
    for name in get_args(SplitName):
        split = held_out(reading.dataset, name)
        seen = int(trained_on(reading.copies, split).sum())
        if seen and seen >= COPIED * len(split):
            told.append(f"{seen:,} of {len(split):,} {name} images")
    if not told:
        return None
    return Finding(
        f"Images trained on have exact copies in other splits: {several(told)}. Accuracy on these "
        "images says nothing about new ones.",
        "Data",
    )
