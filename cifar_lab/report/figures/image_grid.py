"""Image grids: small pictures with titles above them.

They are assembled as pixels, as a matplotlib axes per picture would take most of a report's time.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cifar_lab.report.figures.colour_scale import ticks
from cifar_lab.report.figures.lettering import fitted

DPI = 144
#: zlib's fastest level, with run-length matching only: enlarged pixels form runs, so image grids
#: come out smaller than with its slowest level.
PNG_SETTINGS = {"compress_level": 1, "compress_type": 3}
#: Heights in pixels of a title line and of the gaps between tiles.
LINE_PIXELS, GAP_PIXELS = 24, 16
#: Widths in pixels of a colour bar's colours, and of all of it with labels and unit.
BAR_PIXELS, BAR_WIDTH = 16, 120
#: Mean width of a character, as a share of the font size.
CHARACTER = 0.55
#: Length in pixels of a colour bar's ticks, and the height from which on it has five.
TICK_PIXELS, TALL = 5, 5 * LINE_PIXELS
#: How much a black pixel of the image darkens the colour of the map over it.
SHADE = 0.25


class Tile(NamedTuple):
    """A picture, uint8 ``(height, width, 3)``, and its title, of one or several lines.

    ``note`` is written across the picture.
    """

    pixels: NDArray[np.uint8]
    title: str
    note: str = ""


class Bar(NamedTuple):
    """A colour bar from ``-end`` to ``end``, which is as :func:`round_end` returns it."""

    end: float
    unit: str


def sheet(
    bands: Sequence[Sequence[Tile | Bar]], side: int, font_size: float, row: int | None = None
) -> NDArray[np.uint8]:
    """Arrange tiles in rows, each tile enlarged by a whole factor to about ``side`` pixels.

    Args:
        bands: rows from top to bottom; the longest sets the width. Colour bars are as high as the
            row's highest tile.
        side: longer side of an enlarged tile, in pixels.
        font_size: font size of titles, in points.
        row: height of a row without titles, in pixels; None for ``side``.

    Returns:
        uint8 ``(height, width, 4)``, opaque RGBA.
    """
    row = side if row is None else row
    height = sum(_title_height(band) + row + GAP_PIXELS for band in bands) + GAP_PIXELS
    width = max(sum(_width(item, side) for item in band) for band in bands) + GAP_PIXELS
    page = _Page(width, height, side, font_size)
    top = GAP_PIXELS
    for band in bands:
        top += _title_height(band)
        left = GAP_PIXELS
        for item in band:
            if isinstance(item, Bar):
                page.bar(item, top, left, _height(band, side))
            else:
                page.tile(item, top, left)
            left += _width(item, side)
        top += row + GAP_PIXELS
    return page.drawn()


class _Page:
    """A canvas for text, and the pictures to paste on it: matplotlib would resample them."""

    def __init__(self, width: int, height: int, side: int, font_size: float) -> None:
        self.width, self.height, self.side, self.font_size = width, height, side, font_size
        self._figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        self._pasted: list[tuple[int, int, NDArray[np.uint8]]] = []

    def tile(self, tile: Tile, top: int, left: int) -> None:
        """Place a tile, centred, with its title above it and its note across it."""
        pixels = enlarged(tile.pixels, self.side)
        height, width = pixels.shape[:2]
        left += (self.side - width) // 2
        room = (self.side + GAP_PIXELS * 3 // 4) / DPI
        title = "\n".join(fitted(line, room, self.font_size) for line in tile.title.split("\n"))
        self._text(left + width / 2, top - 4, title, ha="center", va="bottom")
        if not tile.note:
            self._pasted.append((top, left, pixels))
            return
        size = self.font_size - 1
        lines = textwrap.wrap(tile.note, max(int(width / self._character(size)), 1))
        half = min(len(lines) * LINE_PIXELS, height) // 2
        upper, lower = height // 2 - half, height // 2 + half
        self._pasted += [(top, left, pixels[:upper]), (top + lower, left, pixels[lower:])]
        text = "\n".join(lines)
        self._text(left + width / 2, top + height / 2, text, ha="center", va="center", size=size)

    def bar(self, bar: Bar, top: int, left: int, height: int) -> None:
        """Place a colour bar with its ticks and its unit."""
        pixels = bar_colours(height)[:, None].repeat(BAR_PIXELS, axis=1)
        self._pasted.append((top, left, pixels))
        size, right = self.font_size - 1, left + BAR_PIXELS
        marked = ticks(bar.end) if height >= TALL else ticks(bar.end)[::2]
        for place, (_, text) in enumerate(reversed(marked)):
            at = place / (len(marked) - 1)
            va = "top" if at == 0 else "bottom" if at == 1 else "center"
            black = np.zeros((1, TICK_PIXELS, 3), np.uint8)
            self._pasted.append((top + round(at * (height - 1)), right, black))
            y = top + at * height
            self._text(right + TICK_PIXELS + 4, y, text, ha="left", va=va, size=size)
        unit = {"ha": "center", "va": "center", "rotation": 90, "size": size}
        self._text(right + 82, top + height / 2, bar.unit, **unit)

    def drawn(self) -> NDArray[np.uint8]:
        """The page with everything on it."""
        canvas = FigureCanvasAgg(self._figure)
        canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())
        for top, left, pixels in self._pasted:
            drawn[top : top + pixels.shape[0], left : left + pixels.shape[1], :3] = pixels
        return drawn

    @staticmethod
    def _character(size: float) -> float:
        """Mean width of a character in pixels."""
        return CHARACTER * size * DPI / 72

    def _text(self, x: float, y: float, text: str, **settings: Any) -> None:
        settings = {"size": self.font_size, **settings}
        self._figure.text(x / self.width, 1 - y / self.height, text, **settings)


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

    The image only darkens the colours, equally in red, green and blue: over white they are those
    of the colour bar, and equal values have an equal hue and saturation everywhere.

    Args:
        image: uint8 ``(height, width, 3)``.
        map_: float32 ``(h, w)``; each cell covers its share of the image, without smoothing, which
            would make the map look finer than it is.
        largest: magnitude drawn in the deepest colour, for either sign.
        side: maximum of the longer side of the result, in pixels.

    Returns:
        uint8 ``(…, …, 3)``, with the image's aspect ratio.
    """
    grey = enlarged(greyed(image), side)[..., :1]
    height, width = grey.shape[:2]
    rows = np.arange(height) * map_.shape[0] // height
    columns = np.arange(width) * map_.shape[1] // width
    light = 1 - SHADE * (1 - grey / 255)
    shaded: NDArray[np.uint8] = np.rint(light * colours(map_[rows][:, columns], largest)).astype(
        np.uint8
    )
    return shaded


def greyed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image without its colours, uint8 ``(height, width, 3)``."""
    return np.asarray(Image.fromarray(image).convert("L"))[..., None].repeat(3, axis=2)


def bar_colours(number: int) -> NDArray[np.uint8]:
    """Colours of a bar from its positive end to its negative one: uint8 ``(number, 3)``."""
    values = np.linspace(1, -1, number, dtype=np.float32)[:, None]
    return np.rint(colours(values, 1.0)[:, 0]).astype(np.uint8)


def cells(map_: NDArray[np.float32], largest: float, side: int) -> NDArray[np.uint8]:
    """Draw a signed map on its own, one square per cell; colours as in :func:`overlay`."""
    return enlarged(np.rint(colours(map_, largest)).astype(np.uint8), side)


def colours(map_: NDArray[np.float32], largest: float) -> NDArray[np.float64]:
    """Red for positive, blue for negative values, white for 0: float64 ``(h, w, 3)``, to 255."""
    level = np.clip(map_ * (255 / (2 * (largest or 1.0))) + 127.5, 0, 255)
    palette = 255 * matplotlib.colormaps["RdBu_r"](np.arange(256))[:, :3]
    coloured: NDArray[np.float64] = palette[np.rint(np.nan_to_num(level)).astype(np.uint8)]
    return coloured


def _title_height(band: Sequence[Tile | Bar]) -> int:
    titles = [item.title for item in band if isinstance(item, Tile)]
    return LINE_PIXELS * max((title.count("\n") + 1 for title in titles), default=0)


def _width(item: Tile | Bar, side: int) -> int:
    return BAR_WIDTH if isinstance(item, Bar) else side + GAP_PIXELS


def _height(band: Sequence[Tile | Bar], side: int) -> int:
    tiles = [item.pixels for item in band if isinstance(item, Tile)]
    return max((enlarged(pixels, side).shape[0] for pixels in tiles), default=side)
