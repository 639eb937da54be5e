"""Accuracy on corrupted or on other test images, beside that on the run's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.corruptions.suite import FAMILIES
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.figures import robustness as figures
from cifar_lab.run.robustness import ConditionResult, Robustness, Scores, SuiteResult
from cifar_lab.wording import percent

#: What each suite is, in a sentence; CIFAR-10.1 has versions.
SUITES = {
    "corruptions@lab": "Fifteen seeded corruptions of the test images at five severities, made by "
    "this lab after Hendrycks and Dietterich (2019): not the images of CIFAR-10-C, and not "
    "comparable with results on them.",
    "CIFAR-10-C": "The test images of CIFAR-10 with fifteen corruptions at five severities, as "
    "published by Hendrycks and Dietterich (2019).",
    "CIFAR-10.1": "Photographs that Recht et al. (2018) collected as the test images of CIFAR-10 "
    "had been.",
}
NOT_DIVIDED = (
    "The mean is over all corruptions and severities, and is not divided by the error of AlexNet "
    "or of any other network."
)
#: Of conditions that are shown but not averaged.
NOT_AVERAGED = " (not in the mean)"


def robustness(found: Robustness) -> Section:
    """A table and, of corruptions, a figure for each suite."""
    return Section("Robustness", [block for each in found.suites for block in _blocks(each)])


def in_short(found: Robustness) -> Section:
    """What each suite is, and its table, without figures: for a text beside the report."""
    blocks: list[Block] = []
    for each in found.suites:
        mean = "" if each.mean is None else f" {NOT_DIVIDED}"
        blocks += [Text(f"{_what(each)}{mean} {_measured(each)}"), table(each)]
    return Section("Harder images", blocks)


def table(found: SuiteResult) -> Table:
    """The results on a suite, under those on the run's own test images."""
    clean, severities = found.clean, _severities(found)
    if not severities:
        rows = [["test images", *_cells(clean)]]
        rows += [[each.name, *_cells(each.scores)] for each in found.conditions]
        return Table((found.suite, "images", "accuracy", "loss", "ECE"), rows)
    header = [found.suite, *(f"severity {each}" for each in severities), "mean", "ECE"]
    nothing = [""] * len(severities)
    rows = [["test images", *nothing, percent(clean.accuracy), percent(clean.calibration_error)]]
    for name, conditions in found.by_name.items():
        rows.append(_row(name, conditions))
    if found.mean is not None:
        by_severity = [
            percent(_mean([c.scores.accuracy for c in found.conditions if _counts(c, severity)]))
            for severity in severities
        ]
        mean = found.mean
        rows.append(["mean", *by_severity, percent(mean.accuracy), percent(mean.calibration_error)])
    return Table(header, rows)


def curves(found: SuiteResult) -> dict[str, NDArray[np.float64]]:
    """Mean accuracy of each family, by severity from 0, which is clean: float64 ``(s + 1,)``."""
    severities, families = _severities(found), {}
    for family, names in FAMILIES.items():
        shares = [
            _mean(
                [c.scores.accuracy for c in found.conditions if _counts(c, s) and c.name in names]
            )
            for s in severities
        ]
        families[family] = np.array([found.clean.accuracy, *shares])
    return families


def _blocks(found: SuiteResult) -> list[Block]:
    if found.mean is None:
        return [Text(f"{_what(found)} {_measured(found)}"), table(found)]
    lost = 100 * (found.clean.accuracy - found.mean.accuracy)
    return [
        Text(
            f"{_what(found)} {NOT_DIVIDED} Mean accuracy {percent(found.mean.accuracy)}, "
            f"against {percent(found.clean.accuracy)} on the test images ({lost:.2f} points lost). "
            f"{_measured(found)}"
        ),
        picture(
            f"robustness-{found.suite.replace('@', '-').lower()}",
            lambda: figures.by_severity(curves(found)),
            alt=f"Accuracy by severity of four families of corruptions; mean "
            f"{percent(found.mean.accuracy)}.",
            caption=f"{found.suite}: accuracy against severity, averaged over the corruptions of "
            "each family; clean is the test images as they are.",
        ),
        table(found),
    ]


def _what(found: SuiteResult) -> str:
    return f"{found.suite}: {SUITES[found.suite.split(' ')[0]]}"


def _measured(found: SuiteResult) -> str:
    flips = ", with test-time flip averaging" if found.flips else ""
    return (
        f"ECE is the expected calibration error. Measured in {found.precision}{flips}, as the test "
        "images."
    )


def _row(name: str, conditions: Sequence[ConditionResult]) -> list[str]:
    """Accuracy by severity, its mean, and the mean calibration error."""
    scores = [each.scores for each in conditions]
    title = name.replace("_", " ") + ("" if conditions[0].averaged else NOT_AVERAGED)
    accuracies = [each.accuracy for each in scores]
    errors = [each.calibration_error for each in scores]
    return [title, *map(percent, accuracies), percent(_mean(accuracies)), percent(_mean(errors))]


def _cells(found: Scores) -> list[str]:
    accuracy, error = percent(found.accuracy), percent(found.calibration_error)
    return [f"{found.count:,}", accuracy, f"{found.loss:.4f}", error]


def _counts(condition: ConditionResult, severity: int) -> bool:
    return condition.averaged and condition.severity == severity


def _severities(found: SuiteResult) -> list[int]:
    return sorted({c.severity for c in found.conditions if c.severity is not None})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
