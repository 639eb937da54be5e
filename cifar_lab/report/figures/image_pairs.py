"""Pairs of images side by side, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.report.figures.image_grid import Tile, as_png, enlarged, sheet
from cifar_lab.report.figures.lettering import lettering

#: Pairs in a row, and pixels of a pair's longer side when images are at most 32 pixels wide.
COLUMNS, SIDE = 4, 264
#: White between the two images of a pair, as a share of their width.
BETWEEN = 16


@lettering()
def image_pairs(
    pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]], titles: Sequence[str]
) -> bytes:
    """A grid of pairs with a title above each.

    Args:
        pairs: uint8 ``(height, width, 3)`` each, all of one size.
        titles: of one or several lines, one per pair.
    """
    tiles = [Tile(_beside(*pair), title) for pair, title in zip(pairs, titles, strict=True)]
    bands = [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]
    row = max(enlarged(tile.pixels, SIDE).shape[0] for tile in tiles)
    return as_png(sheet(bands, side=SIDE, font_size=8, row=row))


def _beside(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = first.shape[:2]
    gap = np.full((height, max(width // BETWEEN, 1), 3), 255, np.uint8)
    return np.concatenate([first, gap, second], axis=1)
