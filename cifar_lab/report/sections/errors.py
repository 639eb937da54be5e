"""The gallery of misclassified images."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.analysis.misclassified import RULES
from cifar_lab.explain.explained import Explained
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.figures.images import gallery
from cifar_lab.report.reading import Reading
from cifar_lab.wording import percent, several


def errors(reading: Reading, explained: Sequence[Explained]) -> Section:
    """Misclassified images: predicted and true class, both probabilities, and sample ids."""
    shown, wrong = reading.errors, reading.run.summary.test.wrong
    if not shown:
        return Section("Misclassified images", [Text("No test image is misclassified.")])
    names, ids = reading.class_names, reading.test.sample_ids
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
            Text(f"{begins}: {RULES[reading.options.gallery]}."),
            _picture(reading, explained),
            Table(header, rows, text_columns=(1, 3)),
        ],
    )


def _picture(reading: Reading, explained: Sequence[Explained]) -> Block:
    names, shown = reading.class_names, reading.errors
    told = several([f"{names[e.label]} predicted as {names[e.predicted]}" for e in shown])
    images = reading.test.images[[error.row for error in shown]]
    caption = "Above each image: the predicted and the true class with their probabilities."
    if explained:
        at = several(
            [f"{e.layer} ({'×'.join(map(str, e.maps.shape[2:]))} cells)" for e in explained]
        )
        each = "each image" if len(explained) == 1 else "each image and layer"
        caption += (
            f" Below it: GradCAM of the predicted class at {at}; red is evidence for the "
            f"prediction, blue against it; {each} has its own scale."
        )
    maps = {str(found.layer): found.maps[:, 0] for found in explained}
    return picture(
        "gallery",
        lambda: gallery(images, maps, shown, names),
        alt=f"{len(shown)} misclassified images{' with GradCAM maps' * bool(explained)}: {told}.",
        caption=caption,
        width="natural",
    )
