"""Image grids: small pictures with titles above them.

They are assembled as pixels, as a matplotlib axes per picture would take most of a report's time.
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

from cifar_lab.report.figures.lettering import fitted

DPI = 144
#: zlib's fastest level, with run-length matching only: enlarged pixels form runs, so image grids
#: come out smaller than with its slowest level.
PNG_SETTINGS = {"compress_level": 1, "compress_type": 3}
#: Heights in pixels of a title line and of the gaps between tiles.
LINE_PIXELS, GAP_PIXELS = 24, 16
#: Share of the map's colour over the grey image.
MAP_SHARE = 0.6


class Tile(NamedTuple):
    """A picture, uint8 ``(height, width, 3)``, and its title, of one or several lines."""

    pixels: NDArray[np.uint8]
    title: str


def sheet(bands: Sequence[Sequence[Tile]], side: int, font_size: float) -> NDArray[np.uint8]:
    """Arrange tiles in rows, each tile enlarged by a whole factor to about ``side`` pixels.

    Args:
        bands: rows from top to bottom; the longest sets the width.
        side: longer side of an enlarged tile, in pixels.
        font_size: font size of titles, in points.

    Returns:
        uint8 ``(height, width, 4)``, opaque RGBA.
    """
    step = side + GAP_PIXELS
    room = (step - GAP_PIXELS // 4) / DPI
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
                "\n".join(fitted(line, room, font_size) for line in tile.title.split("\n")),
                size=font_size,
                ha="center",
                va="bottom",
            )
        top += step
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # titles only: matplotlib would resample the pictures, which are pasted below
    drawn = np.asarray(canvas.buffer_rgba())
    for top, left, pixels in placed:
        drawn[top : top + pixels.shape[0], left : left + pixels.shape[1], :3] = pixels
    return drawn


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode uint8 ``(height, width, 4)`` as PNG, without the alpha channel."""
    buffer = io.BytesIO()
    # Compressing harder would take longer than drawing.
    Image.fromarray(pixels).convert("RGB").save(buffer, "PNG", **PNG_SETTINGS, dpi=(DPI, DPI))
    return buffer.getvalue()


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Enlarge every pixel to the largest square for which the picture fits ``side``."""
    times = max(side // max(pixels.shape[:2]), 1)
    if times == 1 and max(pixels.shape[:2]) > side:
        scale = side / max(pixels.shape[:2])
        size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
        return np.asarray(Image.fromarray(pixels).resize(size))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def overlay(
    image: NDArray[np.uint8], map_: NDArray[np.float32], largest: float, side: int
) -> NDArray[np.uint8]:
    """Draw a signed map's cells over the grey image: red is evidence for the class, blue against.

    Args:
        image: uint8 ``(height, width, 3)``.
        map_: float32 ``(h, w)``; each cell covers its share of the image, without smoothing, which
            would make the map look finer than it is.
        largest: magnitude drawn in the deepest colour, for either sign.
        side: maximum of the longer side of the result, in pixels.

    Returns:
        uint8 ``(…, …, 3)``, with the image's aspect ratio.
    """
    grey = enlarged(np.asarray(Image.fromarray(image).convert("L")), side)[..., None]
    height, width = grey.shape[:2]
    rows = np.arange(height) * map_.shape[0] // height
    columns = np.arange(width) * map_.shape[1] // width
    share = (MAP_SHARE * colours(map_, largest) + 0.5).astype(np.float32)[rows][:, columns]
    blended: NDArray[np.uint8] = (np.float32(1 - MAP_SHARE) * grey + share).astype(np.uint8)
    return blended


def cells(map_: NDArray[np.float32], largest: float, side: int) -> NDArray[np.uint8]:
    """Draw a signed map on its own, one square per cell; colours as in :func:`overlay`."""
    return enlarged(np.rint(colours(map_, largest)).astype(np.uint8), side)


def colours(map_: NDArray[np.float32], largest: float) -> NDArray[np.float64]:
    """Red for positive, blue for negative values, white for 0: float64 ``(h, w, 3)``, to 255."""
    level = np.clip(map_ * (255 / (2 * (largest or 1.0))) + 127.5, 0, 255)
    palette = 255 * matplotlib.colormaps["RdBu_r"](np.arange(256))[:, :3]
    coloured: NDArray[np.float64] = palette[np.rint(level).astype(np.uint8)]
    return coloured


def _title_height(band: Sequence[Tile]) -> int:
    return LINE_PIXELS * max((tile.title.count("\n") + 1 for tile in band), default=0)
