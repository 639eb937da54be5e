"""The gallery of misclassified images."""

from __future__ import annotations

from cifar_lab.report.blocks import Picture, Section, Table, Text
from cifar_lab.report.explained import Explained
from cifar_lab.report.gallery import RULES
from cifar_lab.report.image_figures import gallery
from cifar_lab.report.reading import Reading
from cifar_lab.report.wording import percent, several


def errors(reading: Reading, explained: Explained | None) -> Section:
    """Images, predicted and true class, both probabilities, sample ids."""
    shown, wrong = reading.errors, reading.summary["test"]["wrong"]
    if not shown:
        return Section("Misclassified images", [Text("No test image is misclassified.")])
    names, ids = reading.class_names, reading.test.sample_ids
    all_of_them = len(shown) == wrong
    begins = f"All {wrong:,} are shown" if all_of_them else f"Shown are {len(shown)} of {wrong:,}"
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
            Text(f"{begins}: {RULES[reading.options.gallery]}."),
            _picture(reading, explained),
            Table(header, rows, text_columns=(1, 3)),
        ],
    )


def _picture(reading: Reading, explained: Explained | None) -> Picture:
    names, shown = reading.class_names, reading.errors
    told = several([f"{names[e.label]} taken for {names[e.predicted]}" for e in shown])
    images = reading.test.images[[error.row for error in shown]]
    caption = "Above each image: predicted and true class with their probabilities."
    if explained is not None:
        height, width = explained.maps.shape[2:]
        caption += (
            f" Below: GradCAM of the predicted class at {explained.layer} ({height}×{width} "
            "cells): red speaks for the prediction, blue against it, on a scale of its own for "
            "each image."
        )
    return Picture(
        "gallery",
        gallery(images, None if explained is None else explained.maps[:, 0], shown, names),
        alt=f"{len(shown)} misclassified images{' with GradCAM maps' * bool(explained)}: {told}.",
        caption=caption,
        width="natural",
    )
