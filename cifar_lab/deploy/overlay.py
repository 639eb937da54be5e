"""Draws a map over its image, without matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Colours from the least to the greatest value, at equal distances, between which is interpolated:
#: ColorBrewer's RdBu, reversed: blue is evidence against the class, red is evidence for it.
SIGNED = (
    (5, 48, 97), (33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240), (247, 247, 247),
    (253, 219, 199), (244, 165, 130), (214, 96, 77), (178, 24, 43), (103, 0, 31),
)  # fmt: skip
#: Smith's and van der Walt's inferno, of whose 256 colours every 15th is enough.
POSITIVE = (
    (0, 0, 4), (10, 7, 34), (30, 12, 69), (56, 9, 98), (81, 14, 108), (105, 22, 110),
    (128, 31, 108), (152, 39, 102), (176, 49, 91), (198, 61, 77), (217, 77, 61), (233, 97, 43),
    (244, 121, 24), (250, 148, 7), (252, 176, 20), (248, 205, 55), (242, 234, 105), (252, 255, 164),
)  # fmt: skip


def overlay(
    pixels: NDArray[np.uint8],
    map_: NDArray[np.float32],
    opacity: float,
    signed: bool,
    side: int,
    *,
    smooth: bool = False,
) -> NDArray[np.uint8]:
    """Draw a map's cells over the grey image, whose own colours could be mistaken for the map's.

    The map's largest magnitude has the deepest colour. A map that is zero everywhere or not finite
    has no colours: the grey image is returned.

    Args:
        pixels: uint8 ``(height, width, 3)``.
        map_: float32 ``(h, w)``; each cell covers its share of the image.
        opacity: share of the map's colour in each pixel, 0 to 1.
        signed: show negative values in colours of their own; otherwise, they count as 0.
        side: of the result, in pixels. An image that is not square is centred on white.
        smooth: interpolate between cells, which makes the map look finer than it is.

    Returns:
        uint8 ``(side, side, 3)``.
    """
    grey = shown(_greyed(pixels), side)
    largest = float(np.abs(map_).max() if signed else map_.max())
    if not np.isfinite(map_).all() or largest <= 0:
        return grey
    fit = _fit(pixels, side)
    level = _resized(map_.astype(np.float32) / np.float32(largest), fit, smooth)
    top, left = (side - fit[0]) // 2, (side - fit[1]) // 2
    place = (slice(top, top + fit[0]), slice(left, left + fit[1]))
    mixed = (1 - opacity) * grey[place] + opacity * colours(level, signed)
    grey[place] = np.rint(mixed).astype(np.uint8)
    return grey


def colours(level: NDArray[np.float32], signed: bool) -> NDArray[np.float64]:
    """Return the colours of levels.

    Args:
        level: float32 ``(height, width)``, from -1 (or 0 if not signed) to 1; others are clipped.
        signed: from which table.

    Returns:
        float64 ``(height, width, 3)``, from 0 to 255.
    """
    table = np.asarray(SIGNED if signed else POSITIVE, dtype=np.float64)
    at = np.linspace(-1 if signed else 0, 1, len(table))
    return np.stack([np.interp(level, at, channel) for channel in table.T], axis=-1)


def shown(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Enlarge an image's pixels to a square; one that is not square is centred on white.

    Args:
        pixels: uint8 ``(height, width, 3)``.
        side: of the result, in pixels.

    Returns:
        uint8 ``(side, side, 3)``.
    """
    height, width = fit = _fit(pixels, side)
    square = np.full((side, side, 3), 255, dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = _resized(pixels, fit, smooth=False)
    return square


def _greyed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def _fit(pixels: NDArray[np.uint8], side: int) -> tuple[int, int]:
    """Return the largest height and width with the image's proportions that fit a square."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def _resized(array: NDArray[Any], size: tuple[int, int], smooth: bool) -> NDArray[Any]:
    from PIL import Image

    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(array).resize((size[1], size[0]), how))
