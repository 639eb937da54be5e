"""Image grids, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.report.charts.rows import Row
from cifar_lab.report.figures.image_grid import Tile, as_png, sheet
from cifar_lab.report.figures.lettering import in_glyphs, lettering


@lettering()
def samples(images: Sequence[NDArray[np.uint8]], titles: Sequence[str], columns: int) -> bytes:
    """An image grid with a title above each image.

    Args:
        images: uint8 ``(height, width, 3)`` each.
        titles: one per image.
        columns: images per row.
    """
    tiles = [Tile(image, title) for image, title in zip(images, titles, strict=True)]
    bands = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return as_png(sheet(bands, side=144, font_size=8))


@lettering()
def rows_of_samples(rows: Sequence[Row], columns: int, class_names: Sequence[str]) -> bytes:
    """The images of rows, each below its own words, or below the row's name if it has none.

    Args:
        rows: from top to bottom, of at most ``columns`` images each.
        columns: images per row; short rows end with blanks.
        class_names: in the order of the labels; the words have some of them.
    """
    blank = next(
        np.full_like(tile.image, 255)
        for row in rows
        for tile in row.tiles
        if tile.image is not None
    )
    pictures, titles = [], []
    for row in rows:
        missing = columns - len(row.tiles)
        pictures += [blank if tile.image is None else tile.image for tile in row.tiles]
        words = ["\n".join(tile.words or row.name) for tile in row.tiles]
        titles += [in_glyphs(each, class_names) for each in words]
        pictures, titles = pictures + [blank] * missing, titles + [""] * missing
    return samples(pictures, titles, columns)
