"""Sheets of small pictures under their titles.

Put together as pixels: an axes for each picture would take most of a report's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

DPI = 144
#: Heights in pixels of a line of a title, and of the gaps between tiles.
LINE_PIXELS, GAP_PIXELS = 24, 16
#: Share of the map's colour over the grey image.
MAP_SHARE = 0.6


class Tile(NamedTuple):
    """A picture, uint8 ``(height, width, 3)``, and its title, which may have several lines."""

    pixels: NDArray[np.uint8]
    title: str


def sheet(bands: Sequence[Sequence[Tile]], side: int, font_size: float) -> Figure:
    """Rows of tiles, each enlarged by a whole number to about a side in pixels.

    Args:
        bands: rows from top to bottom; the longest sets the width.
        side: longer side of an enlarged tile, in pixels.
        font_size: of titles, in points.
    """
    columns = max(len(band) for band in bands)
    step = side + GAP_PIXELS
    heights = [_title_height(band) + side + GAP_PIXELS for band in bands]
    height, width = sum(heights) + GAP_PIXELS, columns * step + GAP_PIXELS
    canvas = np.full((height, width, 3), 255, dtype=np.uint8)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    top = GAP_PIXELS
    for band, band_height in zip(bands, heights, strict=True):
        picture_top = top + _title_height(band)
        for column, tile in enumerate(band):
            pixels = enlarged(tile.pixels, side)
            left = GAP_PIXELS + column * step + (side - pixels.shape[1]) // 2
            canvas[picture_top : picture_top + pixels.shape[0], left:][:, : pixels.shape[1]] = (
                pixels
            )
            figure.text(
                (left + pixels.shape[1] / 2) / width,
                1 - (picture_top - 4) / height,
                tile.title,
                size=font_size,
                ha="center",
                va="bottom",
                parse_math=False,  # a name between dollar signs is no formula
            )
        top += band_height
    figure.figimage(canvas)
    return figure


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Every pixel as a square, as large as fits a side."""
    times = max(side // max(pixels.shape[:2]), 1)
    if times == 1 and max(pixels.shape[:2]) > side:
        scale = side / max(pixels.shape[:2])
        size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
        return np.asarray(Image.fromarray(pixels).resize(size))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def overlay(
    image: NDArray[np.uint8], map_: NDArray[np.float32], largest: float, side: int
) -> NDArray[np.uint8]:
    """A signed map over the grey image: red speaks for the class, blue against it.

    Args:
        image: uint8 ``(height, width, 3)``.
        map_: float32 ``(h, w)``, smoothed to the image's size.
        largest: value of the deepest colour, either sign.
        side: longer side of the result, in pixels, at most.

    Returns:
        uint8 ``(…, …, 3)``, of the image's proportions.
    """
    grey = enlarged(image, side).mean(axis=2, keepdims=True)
    height, width = grey.shape[:2]
    smooth = Image.fromarray(map_.astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    level = np.clip(np.asarray(smooth) / (2 * largest) + 0.5, 0, 1)
    colour = 255 * matplotlib.colormaps["RdBu_r"](level)[..., :3]
    blended = (1 - MAP_SHARE) * grey + MAP_SHARE * colour
    return np.rint(blended).astype(np.uint8)


def _title_height(band: Sequence[Tile]) -> int:
    return LINE_PIXELS * max((tile.title.count("\n") + 1 for tile in band), default=0)
