"""What the model gets right and wrong, and which classes it confuses."""

from __future__ import annotations

from functools import partial

import numpy as np
from markupsafe import Markup

from cifar_lab.analysis.intervals import Interval
from cifar_lab.analysis.predictions import (
    UNDEFINED,
    ClassResult,
    Pair,
    class_results,
    confused_pairs,
)
from cifar_lab.analysis.similarity import by_similarity
from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.charts import predictions as charts
from cifar_lab.report.charts.matrix import confusion_matrix
from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.figures import predictions as figures
from cifar_lab.report.figures.chart import COUNTED_CLASSES, NAMED_CLASSES
from cifar_lab.report.figures.dots import dots
from cifar_lab.report.figures.images import rows_of_samples
from cifar_lab.report.figures.lettering import labels
from cifar_lab.report.reading import Reading
from cifar_lab.wording import percent, plural, several, with_interval

#: Number of confused pairs shown, and of images per pair.
PAIRS, EACH = 6, 6
#: Number of confused pairs in a table.
LISTED = 100
#: Number of classes in the chart where there are too many for all.
LOWEST = 20


def classes(reading: Reading) -> Section:
    """Precision, recall and F1 of each class, the lowest recall first if there are many."""
    names = reading.class_names
    results = class_results(reading.matrix, names)
    by_recall = sorted((r for r in results if r.recall is not None), key=_recall)
    many = len(results) > COUNTED_CLASSES
    charted = by_recall[:LOWEST] if many else results
    worst = by_recall[0]
    of = f" Showing the {len(charted)} of {len(names)} classes with the lowest recall." * many
    shown = charts.recalls(charted)
    all_names = labels(names)
    drawn = picture(
        "classes",
        lambda: dots(shown, [all_names[each.label] for each in charted]),
        alt=f"Recall and precision of each class; lowest recall: {worst.name}, "
        f"{_or_undefined('recall', worst.recall)}.",
        caption="Recall (the share of a class's images that are predicted correctly) and precision "
        f"(the share of predictions of a class that are correct), with 95 % Wilson intervals.{of}",
    )
    chart = attempts.plot(shown, drawn)
    return Section("Classes", [*chart, *_undefined(results), _table(results, many)])


def _table(results: list[ClassResult], many: bool) -> Table:
    """A row per class; of many classes it is folded, and the lowest recall comes first."""
    rows = [
        [
            r.name,
            str(r.label),
            f"{r.count:,}",
            _or_undefined("precision", r.precision),
            _or_undefined("recall", r.recall),
            UNDEFINED["f1"] if r.f1 is None else f"{100 * r.f1:.1f} %",
        ]
        for r in (sorted(results, key=_recall) if many else results)
    ]
    return Table(
        ("class", "number", "images", "precision", "recall", "F1"),
        rows,
        folded=f"All {len(rows)} classes, with the lowest recall first" if many else None,
    )


def _recall(result: ClassResult) -> tuple[float, int]:
    """Sorts by recall, classes without images last."""
    return (2.0 if result.recall is None else result.recall.share), result.label


def _or_undefined(name: str, found: Interval | None) -> str:
    return UNDEFINED[name] if found is None else with_interval(found)


def _undefined(results: list[ClassResult]) -> list[Block]:
    """One sentence on classes that were never predicted: their precision is undefined, not 0."""
    never = [r.name for r in results if r.precision is None]
    if not never:
        return []
    named = [*never[:LOWEST], *([f"{len(never) - LOWEST} more"] if len(never) > LOWEST else [])]
    return [Text(f"Not predicted once, so without a precision: {several(named)}.")]


def confusions(reading: Reading) -> Section:
    """The confusion matrix, and images of the most frequently confused pairs."""
    pairs = confused_pairs(reading.matrix, PAIRS)
    names, split = reading.class_names, reading.evaluated.name
    told = ", ".join(f"{names[p.label]} → {names[p.predicted]} ({p.images})" for p in pairs)
    by_number = len(names) > NAMED_CLASSES
    numbers = " Classes are numbered as in the table of classes." * by_number
    alt = f"Confusion matrix; most frequent confusions: {told or 'none'}."
    drawn = picture(
        "confusion",
        lambda: figures.confusion_matrix(reading.matrix, names),
        alt=alt,
        caption=f"{split.capitalize()} images by true class (rows) and predicted class (columns), "
        f"coloured by their share of the true class.{numbers}",
        width="natural" if len(names) <= COUNTED_CLASSES else "full",
    )
    matrix = attempts.chart(partial(_matrix, reading, alt), [drawn])
    if not pairs:
        return Section("Confusions", [*matrix, Text(f"No {split} image is misclassified.")])
    return Section(
        "Confusions",
        [
            *matrix,
            Text(f"Most frequent confusions: {told}."),
            _confused(reading),
            *_pair_images(reading, pairs),
        ],
    )


def _matrix(reading: Reading, alt: str) -> Markup:
    """The matrix for readers to explore."""
    caption = (
        f"{reading.evaluated.name.capitalize()} images by true class (rows) and predicted class "
        "(columns): per cent of the true class, and below it the number of images. Confusions are "
        "coloured, and the diagonal is grey. A click on a cell shows its images in the gallery."
    )
    order = by_similarity(reading.matrix)
    return confusion_matrix(reading.matrix, reading.class_names, order, alt, caption)


def _confused(reading: Reading) -> Table:
    """The confusions by frequency, with their shares."""
    names, matrix = reading.class_names, reading.matrix
    rows = [
        [
            names[pair.label],
            names[pair.predicted],
            f"{pair.images:,}",
            percent(pair.images / int(matrix[pair.label].sum())),
        ]
        for pair in confused_pairs(matrix, LISTED)
    ]
    label = f"The {plural(len(rows), 'most frequent confusion', 'most frequent confusions')}"
    header = ("true class", "predicted class", "images", "of the true class")
    return Table(header, rows, text_columns=(1,), folded=label)


def _pair_images(reading: Reading, pairs: list[Pair]) -> list[Block]:
    names, split = reading.class_names, reading.evaluated
    rows = []
    for pair in pairs:
        of_pair = (split.labels == pair.label) & (reading.predicted == pair.predicted)
        found = np.flatnonzero(of_pair)
        found = found[np.argsort(-reading.confidence[found], kind="stable")][:EACH]
        name = [names[pair.label], f"→ {names[pair.predicted]}"]
        rows.append(Row(name, [Tile(image) for image in split.images(found)]))
    drawn = picture(
        "confused_pairs",
        lambda: rows_of_samples(rows, EACH, names),
        alt="Images of the most frequently confused pairs of classes.",
        caption="Images of these pairs (true → predicted), one row per pair, most confident first.",
        width="natural",
    )
    return attempts.rows(lambda: rows, drawn)
