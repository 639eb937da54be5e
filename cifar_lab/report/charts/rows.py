"""Rows of small images as HTML: each wraps where the screen is narrow, and its words are text.

Names in any script are drawn by the reader's own fonts, and found by a search in the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifar_lab.report.charts.pixels import EXACT, uri_of
from cifar_lab.report.charts.rendering import rendered
from cifar_lab.report.figures.image_grid import bar_colours


@dataclass(frozen=True)
class Tile:
    """An image of a row.

    Attributes:
        image: uint8 ``(height, width, 3)``; None where the row has none, which its words explain.
        words: lines below it.
    """

    image: NDArray[np.uint8] | None
    words: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """Images that belong together.

    Attributes:
        name: lines before them.
        tiles: from left to right.
    """

    name: Sequence[str]
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class ColourScale:
    """A scale of signed maps.

    Attributes:
        name: what the maps are, with their unit.
        ticks: labels at equal distances, from the negative end to the positive one.
    """

    name: str
    ticks: Sequence[str]


def rows_of_images(
    rows: Sequence[Row],
    name: str,
    alt: str,
    caption: str,
    large: bool = False,
    scales: Sequence[ColourScale] = (),
) -> Markup:
    """Render rows.

    Args:
        rows: from top to bottom; short ones stand side by side where there is room.
        name: unique on the page; begins its id.
        alt: what they show, for readers who cannot see it.
        caption: what they show, for all readers.
        large: whether images are twice as large, with the row's name above them.
        scales: of signed maps among the images.
    """
    return rendered(
        "rows.html.j2",
        rows=rows,
        name=name,
        alt=alt,
        caption=caption,
        large=large,
        told=any(len(tile.words) > 1 for row in rows for tile in row.tiles),
        scales=scales,
        bar=uri_of(bar_colours(EXACT)[None, ::-1]) if scales else "",
        columns=max((len(row.tiles) for row in rows), default=1),
        uri_of=uri_of,
    )
