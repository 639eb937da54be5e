"""What the model gets right and wrong, how confident it is, and which classes it confuses."""

from __future__ import annotations

import numpy as np

from cifar_lab.analysis.confidence import BINS, calibration, coverage
from cifar_lab.analysis.predictions import Pair, class_results, confused_pairs
from cifar_lab.report.blocks import Picture, Section, Table, Text
from cifar_lab.report.figures import predictions as figures
from cifar_lab.report.figures.images import samples
from cifar_lab.report.reading import Reading
from cifar_lab.wording import percent, with_interval

#: Number of confused pairs shown, and of images per pair.
PAIRS, EACH = 6, 6


def classes(reading: Reading) -> Section:
    """Precision, recall and F1 of each class."""
    results = class_results(reading.matrix, reading.class_names)
    worst = min(results, key=lambda result: result.recall.share)
    chart = Picture(
        "classes",
        figures.class_recalls(results),
        alt=f"Recall and precision of each class; lowest recall: {worst.name}, "
        f"{with_interval(worst.recall)}.",
        caption="Recall (the share of a class's images that are predicted correctly) and precision "
        "(the share of predictions of a class that are correct), with 95 % Wilson intervals.",
    )
    rows = [
        [r.name, f"{r.count:,}", *map(with_interval, (r.precision, r.recall)), percent(r.f1)]
        for r in results
    ]
    return Section(
        "Classes", [chart, Table(("class", "images", "precision", "recall", "F1"), rows)]
    )


def confusions(reading: Reading) -> Section:
    """The confusion matrix, and images of the most frequently confused pairs."""
    pairs = confused_pairs(reading.matrix, PAIRS)
    names = reading.class_names
    told = ", ".join(f"{names[p.label]} → {names[p.predicted]} ({p.images})" for p in pairs)
    matrix = Picture(
        "confusion",
        figures.confusion_matrix(reading.matrix, names),
        alt=f"Confusion matrix; most frequent confusions: {told or 'none'}.",
        caption="Test images by true class (rows) and predicted class (columns), coloured by their "
        "share of the true class.",
        width="natural",
    )
    if not pairs:
        return Section("Confusions", [matrix, Text("No test image is misclassified.")])
    return Section(
        "Confusions",
        [matrix, Text(f"Most frequent confusions: {told}."), _pair_images(reading, pairs)],
    )


def confidence(reading: Reading) -> Section:
    """Calibration, and accuracy on the most confident predictions."""
    found = calibration(reading.confidence, reading.right)
    shares, accuracies = coverage(reading.confidence, reading.right)
    half = accuracies[max(len(shares) // 2 - 1, 0)]
    mean = float(reading.confidence.mean())
    return Section(
        "Confidence",
        [
            Picture(
                "reliability",
                figures.reliability(found),
                alt=f"Reliability diagram; expected calibration error {percent(found.error)}.",
                caption=f"Accuracy against confidence in {BINS} bins of equal width (dashed: "
                "perfect calibration), and the number of images in each. Expected calibration "
                f"error {percent(found.error)}; mean confidence {percent(mean)} at an accuracy of "
                f"{percent(float(reading.right.mean()))}.",
            ),
            Picture(
                "coverage",
                figures.accuracy_by_coverage(shares, accuracies),
                alt=f"Accuracy against coverage; {percent(half)} on the most confident half.",
                caption="Accuracy when only the most confident predictions are kept: "
                f"{percent(half)} on the most confident half.",
            ),
        ],
    )


def _pair_images(reading: Reading, pairs: list[Pair]) -> Picture:
    names, test = reading.class_names, reading.test
    pictures, titles = [], []
    for pair in pairs:
        of_pair = (test.labels == pair.label) & (reading.predicted == pair.predicted)
        rows = np.flatnonzero(of_pair)
        rows = rows[np.argsort(-reading.confidence[rows], kind="stable")][:EACH]
        pictures += [test.images[row] for row in rows]
        titles += [f"{names[pair.label]}\n→ {names[pair.predicted]}"] * len(rows)
        pictures += [np.full_like(test.images[0], 255)] * (EACH - len(rows))
        titles += [""] * (EACH - len(rows))
    return Picture(
        "confused_pairs",
        samples(pictures, titles, EACH),
        alt="Images of the most frequently confused pairs of classes.",
        caption="Images of these pairs (true → predicted), one row per pair, most confident first.",
        width="natural",
    )
