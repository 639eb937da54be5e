"""Sheets of small pictures under their titles.

Put together as pixels: an axes for each picture would take most of a report's time.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

DPI = 144
#: zlib's fastest level, looking for runs alone: enlarged pixels are runs, so that files of
#: pictures come out smaller than with its slowest.
PNG_SETTINGS = {"compress_level": 1, "compress_type": 3}
#: Heights in pixels of a line of a title, and of the gaps between tiles.
LINE_PIXELS, GAP_PIXELS = 24, 16
#: Share of the map's colour over the grey image.
MAP_SHARE = 0.6


class Tile(NamedTuple):
    """A picture, uint8 ``(height, width, 3)``, and its title, which may have several lines."""

    pixels: NDArray[np.uint8]
    title: str


def sheet(bands: Sequence[Sequence[Tile]], side: int, font_size: float) -> NDArray[np.uint8]:
    """Rows of tiles, each enlarged by a whole number to about a side in pixels.

    Args:
        bands: rows from top to bottom; the longest sets the width.
        side: longer side of an enlarged tile, in pixels.
        font_size: of titles, in points.

    Returns:
        uint8 ``(height, width, 4)``, RGBA, nowhere transparent.
    """
    step = side + GAP_PIXELS
    height = sum(_title_height(band) + step for band in bands) + GAP_PIXELS
    width = max(len(band) for band in bands) * step + GAP_PIXELS
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    placed: list[tuple[int, int, NDArray[np.uint8]]] = []
    top = GAP_PIXELS
    for band in bands:
        top += _title_height(band)
        for column, tile in enumerate(band):
            pixels = enlarged(tile.pixels, side)
            left = GAP_PIXELS + column * step + (side - pixels.shape[1]) // 2
            placed.append((top, left, pixels))
            figure.text(
                (left + pixels.shape[1] / 2) / width,
                1 - (top - 4) / height,
                tile.title,
                size=font_size,
                ha="center",
                va="bottom",
                parse_math=False,  # a name between dollar signs is no formula
            )
        top += step
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # the titles alone: matplotlib would resample what is placed as it is
    drawn = np.asarray(canvas.buffer_rgba())
    for top, left, pixels in placed:
        drawn[top : top + pixels.shape[0], left : left + pixels.shape[1], :3] = pixels
    return drawn


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encodes uint8 ``(height, width, 4)``, without the alpha channel."""
    buffer = io.BytesIO()
    # Compressing harder would take longer than drawing.
    Image.fromarray(pixels).convert("RGB").save(buffer, "PNG", **PNG_SETTINGS, dpi=(DPI, DPI))
    return buffer.getvalue()


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
    """A signed map's own cells over the grey image: red speaks for the class, blue against it.

    Args:
        image: uint8 ``(height, width, 3)``.
        map_: float32 ``(h, w)``; each cell covers its share of the image, with no smoothing that
            would look finer than the map is.
        largest: value of the deepest colour, either sign.
        side: longer side of the result, in pixels, at most.

    Returns:
        uint8 ``(…, …, 3)``, of the image's proportions.
    """
    grey = enlarged(np.asarray(Image.fromarray(image).convert("L")), side)[..., None]
    height, width = grey.shape[:2]
    rows = np.arange(height) * map_.shape[0] // height
    columns = np.arange(width) * map_.shape[1] // width
    share = (MAP_SHARE * colours(map_, largest) + 0.5).astype(np.float32)[rows][:, columns]
    blended: NDArray[np.uint8] = (np.float32(1 - MAP_SHARE) * grey + share).astype(np.uint8)
    return blended


def cells(map_: NDArray[np.float32], largest: float, side: int) -> NDArray[np.uint8]:
    """A signed map alone, a square a cell; colours as in :func:`overlay`."""
    return enlarged(np.rint(colours(map_, largest)).astype(np.uint8), side)


def colours(map_: NDArray[np.float32], largest: float) -> NDArray[np.float64]:
    """Red for positive, blue for negative values, white for none: float64 ``(h, w, 3)``, to 255."""
    level = np.clip(map_ * (255 / (2 * (largest or 1.0))) + 127.5, 0, 255)
    palette = 255 * matplotlib.colormaps["RdBu_r"](np.arange(256))[:, :3]
    coloured: NDArray[np.float64] = palette[np.rint(level).astype(np.uint8)]
    return coloured


def _title_height(band: Sequence[Tile]) -> int:
    return LINE_PIXELS * max((tile.title.count("\n") + 1 for tile in band), default=0)
