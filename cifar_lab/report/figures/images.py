"""Image grids, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.report.figures.image_grid import Tile, as_png, sheet
from cifar_lab.report.figures.lettering import lettering


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
