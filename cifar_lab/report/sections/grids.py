"""Images with words, as HTML that wraps and as a picture of the same."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block
from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.figures.images import rows_of_samples


def grid(
    name: str,
    tiles: Sequence[Tile],
    columns: int,
    class_names: Sequence[str],
    alt: str,
    caption: str,
) -> list[Block]:
    """Images in rows, each with its own words.

    Args:
        name, alt, caption: as in :class:`Picture`.
        tiles: in the order of reading.
        columns: images per row of the picture.
        class_names: in the order of the labels; the words have some of them.
    """
    columns = min(columns, len(tiles))
    bands = [Row([], tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    drawn = picture(
        name, lambda: rows_of_samples(bands, columns, class_names), alt, caption, width="natural"
    )
    return attempts.rows(lambda: [Row([], [tile]) for tile in tiles], drawn, large=True)
