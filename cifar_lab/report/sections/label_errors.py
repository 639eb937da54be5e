"""Validation and test images whose labels may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.label_errors import Suspect, suspects
from cifar_lab.analysis.predictions import correct, softmax
from cifar_lab.data.held_out import HeldOut, SplitName, held_out
from cifar_lab.report.blocks import Block, Table, Text
from cifar_lab.report.charts.rows import Tile
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.grids import grid
from cifar_lab.wording import percent, plural, several

#: Suspected images shown, images in a row, and suspected images listed.
SHOWN, COLUMNS, LISTED = 24, 8, 100
#: Accuracy below which a network's doubts about labels say nothing.
LEAST = 0.6
#: How they are found, for whoever reads the numbers.
METHOD = (
    "These are suspicions, not findings: images that the network confidently assigns to another "
    "class than their label. Many of them may be mistakes of the network. Confident learning "
    "(Northcutt et al. 2021, arXiv:1911.00068) counts an image as confidently assigned where the "
    "probability of a class is at least the mean over the images with that label. Only images that "
    "the network was not trained on are considered."
)


@dataclass(frozen=True)
class Suspected:
    """An image with a suspicious label, and its split."""

    split: HeldOut
    found: Suspect


def label_errors(reading: Reading) -> list[Block]:
    """Pictures of the most suspicious labels, then a table."""
    found: list[Suspected] = []
    blocks: list[Block] = []
    for split, logits in _held_out(reading):
        accuracy = float(correct(logits, split.labels).mean())
        if accuracy >= LEAST:
            of_split = suspects(softmax(logits), split.labels)
            found += [Suspected(split, each) for each in of_split]
        else:
            blocks.append(_too_poor(split, accuracy))
    if not found:
        return blocks or [Text("No validation or test label is suspected to be wrong.")]
    found.sort(key=lambda each: each.found.margin)
    return [*blocks, Text(METHOD), *_picture(reading, found), _table(reading, found)]


def _too_poor(split: HeldOut, accuracy: float) -> Text:
    return Text(
        f"Label errors among the {split.name} images were not looked for: at an accuracy of "
        f"{percent(accuracy)}, which is below {percent(LEAST)}, nothing can be suspected from the "
        "network's predictions."
    )


def _held_out(reading: Reading) -> list[tuple[HeldOut, NDArray[np.float32]]]:
    """The splits that were not trained on, with logits; not the test images while closed."""
    predictions, found = reading.run.predictions, []
    splits: list[SplitName] = ["test", "validation"]
    for name in splits:
        of_split = getattr(predictions, name)
        if of_split is not None and len(of_split.labels):
            found.append((held_out(reading.dataset, name), of_split.logits))
    return found


def _picture(reading: Reading, found: Sequence[Suspected]) -> list[Block]:
    shown, names = found[:SHOWN], reading.class_names
    tiles = [
        Tile(
            each.split.images(np.asarray([each.found.row]))[0],
            [
                f"{names[each.found.label]}: {percent(each.found.given_probability)}",
                f"{names[each.found.suggested]}: {percent(each.found.probability)}",
            ],
        )
        for each in shown
    ]
    first = [f"{names[e.found.label]} (or {names[e.found.suggested]}?)" for e in shown[:COLUMNS]]
    showing = f"all {len(found)}" if len(shown) == len(found) else f"{len(shown)} of {len(found):,}"
    return grid(
        "label_errors",
        tiles,
        COLUMNS,
        names,
        alt=f"{plural(len(shown), 'image', 'images')} with a label that may be wrong: "
        f"{several(first)}.",
        caption="Suspected label errors, the most suspicious first. With each image: its label and "
        f"then the suspected class, with the network's probabilities. Showing {showing}.",
    )


def _table(reading: Reading, found: Sequence[Suspected]) -> Table:
    names, rows = reading.class_names, []
    for split, each in ((s.split, s.found) for s in found[:LISTED]):
        label = [names[each.label], percent(each.given_probability)]
        other = [names[each.suggested], percent(each.probability)]
        rows.append([str(split.sample_ids[each.row]), split.name, *label, *other])
    header = ("image", "split", "label", "probability", "suspected class", "probability")
    all_of_them = plural(len(found), "suspected label error", "suspected label errors")
    of = f"{len(rows)} of " * (len(rows) < len(found))
    return Table(header, rows, text_columns=(1, 2, 4), folded=f"{of}{all_of_them} by margin")
