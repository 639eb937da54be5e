"""Two networks image by image, with the images on which they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.figures.comparison import flipped_images
from cifar_lab.results.comparison import Comparison
from cifar_lab.results.images import Flip, Flips
from cifar_lab.results.table import p_value
from cifar_lab.wording import percent, plural

#: Most images shown that were lost, and that were gained.
SHOWN = 10
#: Most of either in a table.
LISTED = 100


@dataclass(frozen=True)
class Pictures:
    """Images on which two networks differ, and where each network looked.

    Attributes:
        images: uint8 ``(n, height, width, 3)``; of the first ``SHOWN`` lost, then of the first
            ``SHOWN`` gained ones.
        first: HiResCAM of the class that the first network predicts, float32 ``(n, h, w)``; not
            finite where it has no colours; None without maps.
        second: likewise of the second network.
        missing: sentences on what there is not, and why.
    """

    images: NDArray[np.uint8] | None
    first: NDArray[np.float32] | None
    second: NDArray[np.float32] | None
    missing: tuple[str, ...]


def images(comparison: Comparison, flips: Flips, pictures: Pictures) -> Section:
    """How many images only one of them classifies correctly, and which."""
    first, second = (row.configuration.name for row in comparison.rows)
    counts, split = flips.counts, comparison.metric.split
    table = Table(
        (f"{split} images", f"second right: {second}", "second wrong"),
        [
            [f"first right: {first}", f"{counts.both_right:,}", f"{counts.only_first:,}"],
            ["first wrong", f"{counts.only_second:,}", f"{counts.both_wrong:,}"],
        ],
    )
    missing = [Text(why, warning=True) for why in pictures.missing]
    lost, gained = flips.lost, flips.gained
    return Section(
        "Image by image",
        [
            table,
            Text(f"McNemar's exact test: {p_value(counts.p_value)}."),
            *missing,
            *_direction(comparison, pictures, lost, slice(0, len(lost[:SHOWN])), True),
            *_direction(comparison, pictures, gained, slice(len(lost[:SHOWN]), None), False),
        ],
    )


def _direction(
    comparison: Comparison,
    pictures: Pictures,
    flips: Sequence[Flip],
    places: slice,
    lost: bool,
) -> list[Block]:
    """Images that went from right to wrong, or from wrong to right."""
    what = (
        "right with the first, wrong with the second"
        if lost
        else ("wrong with the first, right with the second")
    )
    if not flips:
        return [Text(f"No image is {what}.")]
    shown, names = flips[:SHOWN], comparison.classes
    count = f"{plural(len(flips), 'image is', 'images are')} {what}"
    blocks: list[Block] = [Text(f"{count}{_cut(len(shown), len(flips))}")]
    if pictures.images is not None:
        drawn = pictures.images[places]
        first = None if pictures.first is None else pictures.first[places]
        second = None if pictures.second is None else pictures.second[places]
        captions = [_caption(flip, names, lost) for flip in shown]
        maps = " Below it: HiResCAM of the class that each predicts. Red is evidence for, blue "
        maps += "against; grey: the map is too weak to be shown."
        alt = f"{plural(len(shown), 'image', 'images')} {what}."
        wrong = "second" if lost else "first"
        blocks.append(
            picture(
                "right-to-wrong" if lost else "wrong-to-right",
                lambda: flipped_images(drawn, captions, first, second),
                alt=alt,
                caption=f"Above each image: its class, and what the {wrong} predicts, with its "
                f"probability.{maps * (first is not None or second is not None)}",
                width="natural",
            )
        )
    return [*blocks, _listed(flips, names)]


def _cut(shown: int, count: int) -> str:
    most = "the most confident errors" if shown < count else "the most confident error first"
    return f"; shown are the {shown} with {most}." if shown < count else f", {most}."


def _caption(flip: Flip, names: Sequence[str], lost: bool) -> list[str]:
    wrong = flip.second if lost else flip.first
    return [names[flip.label], f"not {names[wrong]} ({100 * flip.probability:.0f} %)"]


def _listed(flips: Sequence[Flip], names: Sequence[str]) -> Table:
    rows = [
        [f.sample_id, names[f.label], names[f.first], names[f.second], percent(f.probability)]
        for f in flips[:LISTED]
    ]
    header = ("sample", "class", "first predicts", "second predicts", "probability of the error")
    label = f"The {plural(len(rows), 'image', 'images')} with the most confident errors"
    return Table(header, rows, text_columns=(1, 2, 3), folded=label)
