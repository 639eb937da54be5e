"""The gallery of misclassified images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cifar_lab.analysis.misclassified import rule_in_words
from cifar_lab.explain.attribution import NAMES
from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Picture, Section, Table, Text
from cifar_lab.report.charts.gallery import gallery
from cifar_lab.report.figures import attribution as figures
from cifar_lab.report.figures.attribution import Scaled
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.images import items
from cifar_lab.report.sections.maps import COLOURS, SHADED, named, numbered, scaled, scales
from cifar_lab.wording import percent, several


def errors(reading: Reading, maps: ReportMaps) -> Section:
    """Misclassified images: predicted and true class, both probabilities, and sample ids."""
    shown, split, wrong = reading.errors, reading.evaluated, int((~reading.right).sum())
    if not shown:
        return Section(
            "Misclassified images",
            [Text(f"No {split.name} image is misclassified."), *_gallery(reading, maps, [])],
        )
    names, ids = reading.class_names, split.sample_ids
    all_of_them = len(shown) == wrong
    begins = f"Showing all {wrong:,}" if all_of_them else f"Showing {len(shown)} of {wrong:,}"
    rows = [
        [
            str(ids[error.row]),
            names[error.predicted],
            percent(error.predicted_probability),
            names[error.label],
            percent(error.true_probability),
        ]
        for error in shown
    ]
    header = ("sample", "predicted", "probability", "true", "probability")
    return Section(
        "Misclassified images",
        [
            Text(f"{begins}: {rule_in_words(reading.options.gallery, split.name)}."),
            *_gallery(reading, maps, _pictures(reading, maps)),
            Table(header, rows, text_columns=(1, 3)),
        ],
    )


def _gallery(reading: Reading, maps: ReportMaps, pictures: Sequence[Block]) -> list[Block]:
    """The images to filter; the pictures are the misclassified ones of the report."""
    split = reading.evaluated
    caption = (
        f"{{}} of {len(split):,} {split.name} images: first those of the report, then of each pair "
        "of true and predicted class those with the highest loss, by turns. A click opens an image "
        "with its probabilities and, where the report has them, its maps for the predicted class, "
        "the true class and predicted − true, with their colour scale: red is evidence for, blue "
        "against. On paper, the first 30."
    )
    return attempts.chart(
        lambda: gallery(items(reading, maps), reading.class_names, caption), pictures
    )


def _pictures(reading: Reading, maps: ReportMaps) -> list[Picture]:
    names, shown = reading.class_names, reading.errors
    told = several([f"{names[e.label]} predicted as {names[e.predicted]}" for e in shown])
    images = reading.evaluated.images(np.asarray([error.row for error in shown]))
    caption = "Above each image: the predicted and the true class with their probabilities."
    below: list[str] = []
    groups: list[tuple[str, Scaled]] = []
    for found in maps.gallery:
        layer = str(found.layer)
        methods, size = maps.methods(layer), "×".join(map(str, found.gradcam.shape[2:]))
        below.append(f"{named(methods)} of the predicted class at {layer} ({size} cells)")
        words = f"\n{layer}" if len(maps.gallery) > 1 else ""
        for method in methods:
            group = scaled(found, method, [0], [[words]] * len(shown))
            groups.append((NAMES[method] + f" at {layer}" * bool(words), group))
    if groups:
        order = ", from top to bottom" if len(groups) > 1 else ""
        caption += f" Below it{order}: {several(below)}. {scales(groups)} {COLOURS} {SHADED}"
    alt = f"{len(shown)} misclassified images{' with attribution maps' * bool(groups)}: {told}."
    return numbered(
        "gallery", figures.gallery(images, [each for _, each in groups], shown, names), alt, caption
    )
