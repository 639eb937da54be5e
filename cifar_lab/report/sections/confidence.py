"""How far confidence can be trusted: calibration, temperature, and risk against coverage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.confidence import BINS, Calibration, calibration
from cifar_lab.analysis.predictions import softmax
from cifar_lab.analysis.scores import negative_log_likelihood
from cifar_lab.analysis.selective import Risks, risks
from cifar_lab.analysis.temperature import fitted_temperature
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.charts import predictions as charts
from cifar_lab.report.figures import predictions as figures
from cifar_lab.report.reading import Reading
from cifar_lab.run.predictions import SplitPredictions
from cifar_lab.wording import percent, plural, with_interval

#: Said of a network that diverged.
NOT_FINITE = (
    "There is no confidence to judge: some logits are not finite numbers, as training diverged."
)


@dataclass(frozen=True)
class Scaled:
    """Logits that are divided by a temperature, and how well they are calibrated.

    Attributes:
        temperature: 1 for logits as they are.
        found: calibration by bins.
        loss: negative log-likelihood, mean over images, in nats.
        confidence: mean over images.
    """

    temperature: float
    found: Calibration
    loss: float
    confidence: float


def confidence(reading: Reading) -> Section:
    """Calibration before and after temperature scaling, and risk against coverage."""
    if not np.isfinite(reading.logits).all():
        return Section("Confidence", [Text(NOT_FINITE)])
    versions = [_scaled(reading, 1.0)]
    temperature = _temperature(reading)
    if isinstance(temperature, float):
        versions.append(_scaled(reading, temperature))
    told = [temperature] if isinstance(temperature, Text) else []
    return Section(
        "Confidence",
        [*_reliability(reading, versions), *told, _measures(reading, versions), _bins(versions),
         *_risk(risks(reading.confidence, reading.right))],
    )  # fmt: skip


def _scaled(reading: Reading, temperature: float) -> Scaled:
    logits = reading.logits.astype(np.float64) / temperature
    confidence: NDArray[np.float64] = softmax(logits).max(axis=1)
    return Scaled(
        temperature,
        calibration(confidence, reading.right),
        negative_log_likelihood(logits, reading.evaluated.labels),
        float(confidence.mean()),
    )


def _temperature(reading: Reading) -> float | Text:
    """The temperature of the validation images, or why there is none."""
    validation = reading.run.predictions.validation
    if reading.evaluated.name == "validation":
        return Text(
            "No temperature is fitted: it would be fitted on the validation images, and while the "
            "test set is closed, the results are of the same images. Both on the same images would "
            "flatter. `cifar-lab eval` opens the test set."
        )
    if len(reading.dataset.val_indices) == 0:
        return Text(
            "No temperature is fitted: that needs validation images, and this run has none. "
            "`dataset.validation_fraction=0.1` holds out a tenth of the training images."
        )
    if validation is None:
        return Text(
            "No temperature is fitted: this older run did not record its predictions of the "
            "validation images."
        )
    return _fitted(validation)


def _fitted(validation: SplitPredictions) -> float | Text:
    if not np.isfinite(validation.logits).all():
        return Text("No temperature is fitted: logits of validation images are not finite numbers.")
    found = fitted_temperature(validation.logits, validation.labels)
    if found.inside:
        return found.value
    if (validation.logits.argmax(axis=1) == validation.labels).all():
        return Text(
            f"No temperature is fitted: all {len(validation.labels):,} validation images are "
            "classified correctly, so that their negative log-likelihood only falls as the "
            "temperature falls to 0. More validation images (`dataset.validation_fraction`) may "
            "include errors."
        )
    return Text(
        "No temperature is fitted: the negative log-likelihood of the validation images still "
        f"falls at the end of the search range, T = {found.value:g}."
    )


def _reliability(reading: Reading, versions: list[Scaled]) -> list[Block]:
    """The diagram of each version."""
    before = versions[0]
    names = ["", ""] if len(versions) == 1 else ["before", "after"]
    labels = [f", {name} temperature scaling" if name else "" for name in names]
    plot = charts.reliability(list(zip(labels, (each.found for each in versions), strict=False)))
    errors = f"Expected calibration error {percent(before.found.error)}"
    after = ""
    if len(versions) > 1:
        errors += f" before and {percent(versions[1].found.error)} after temperature scaling"
        validated = reading.run.predictions.validation
        assert validated is not None, "the temperature was fitted on them"
        images = plural(len(validated.labels), "validation image", "validation images")
        after = (
            f" The temperature, T = {versions[1].temperature:.3f}, divides all logits. It has the "
            f"lowest negative log-likelihood on the {images}, and changes no prediction."
        )
    drawn = picture(
        "reliability",
        lambda: figures.reliability(plot),
        alt=f"Reliability diagram. {errors}.",
        caption=f"Accuracy against confidence in {BINS} bins of equal width, with 95 % Wilson "
        "intervals, and the number of images in each bin (grey, with its scale at the right). "
        f"Dashed: perfect calibration. {errors}; mean confidence {percent(before.confidence)} "
        f"at an accuracy of {percent(float(reading.right.mean()))}.{after}",
    )
    return attempts.plot(plot, drawn)


def _bins(versions: list[Scaled]) -> Table:
    """The values of every bin that has images."""
    ends = [""] if len(versions) == 1 else [", before", ", after"]
    heads = [
        f"{name}{end}" for end in ends for name in ("images", "mean confidence", "accuracy")
    ]  # fmt: skip
    rows = [
        [f"{100 * low:.1f} to {100 * high:.1f} %", *cells]
        for (low, high), cells in zip(
            pairwise(versions[0].found.edges), _cells(versions), strict=True
        )
        if any(cell not in ("0", "–") for cell in cells)
    ]
    return Table(("confidence", *heads), rows, folded="Values of every bin with images")


def _cells(versions: list[Scaled]) -> list[list[str]]:
    """Of each bin: images, confidence and accuracy of every version."""
    return [
        [
            cell
            for each in versions
            for cell in _of_bin(each.found, number)
        ]
        for number in range(BINS)
    ]  # fmt: skip


def _of_bin(found: Calibration, number: int) -> tuple[str, str, str]:
    accuracy = found.accuracies[number]
    if accuracy is None:
        return "0", "–", "–"
    confidence = f"{100 * found.confidence[number]:.1f} %"
    return f"{found.counts[number]:,}", confidence, with_interval(accuracy)


def _measures(reading: Reading, versions: list[Scaled]) -> Table:
    """Calibration error and loss, a column for each version."""
    accuracy = percent(float(reading.right.mean()))
    rows = [
        ["temperature", *(f"{each.temperature:.3f}" for each in versions)],
        ["expected calibration error", *(percent(each.found.error) for each in versions)],
        ["negative log-likelihood (nats)", *(f"{each.loss:.4f}" for each in versions)],
        ["mean confidence", *(percent(each.confidence) for each in versions)],
        ["accuracy", *[accuracy] * len(versions)],
    ]
    columns = ("as trained", "after temperature scaling")[: len(versions)]
    return Table((f"on the {reading.evaluated.name} images", *columns), rows)


def _risk(found: Risks) -> list[Block]:
    """The curve of risk, and its area beside those of the best and of a random order."""
    if not found.random:
        return [Text("No image is misclassified, so that there is no risk at any coverage.")]
    plot = charts.risk_by_coverage(found)
    half = found.kept[max(len(found.kept) // 2 - 1, 0)]
    area = f"area under the curve (AURC) {found.area:.5f}"
    first = plot.panels[0].series[0].x[0]
    begins = f" The curves begin at a coverage of {first:.0f} %." if first > 1.5 else ""
    drawn = picture(
        "risk_coverage",
        lambda: figures.risk_by_coverage(plot),
        alt=f"Selective risk against coverage; {area}; {percent(half)} errors among the most "
        "confident half.",
        caption="Error rate among the images kept, the most confident first: "
        f"{percent(half)} among the most confident half, {area}; {found.best_area:.5f} in the best "
        f"possible order, all errors last, and {found.random:.5f} in a random order. E-AURC is the "
        f"excess over the best possible order.{begins}",
    )
    rows = [
        ["most confident first", f"{found.area:.5f}", f"{found.excess:.5f}"],
        ["best possible order", f"{found.best_area:.5f}", f"{0:.5f}"],
        ["random order", f"{found.random:.5f}", f"{found.random - found.best_area:.5f}"],
    ]
    return [
        *attempts.plot(plot, drawn),
        Table(("order of the images", "AURC", "E-AURC"), rows),
    ]
