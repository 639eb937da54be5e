"""Filters and resampling of stacks of images, one elementwise operation after the other.

Only sums and products of whole arrays in a fixed order are used, each rounded for itself: an image
comes out the same in any batch and with any number of threads, to the last bit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

#: Points along each side of a pixel, by which the area of a shape inside the pixel is measured.
_POINTS = 8


def convolved(images: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convolve each channel; images continue as their mirror image beyond the border.

    Args:
        images: float32 ``(n, height, width, channels)``.
        kernel: float32 ``(2r + 1, 2s + 1)``, symmetric about its centre or meant as a correlation.

    Returns:
        float32, of the same shape.
    """
    height, width = images.shape[1:3]
    up, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.pad(images, ((0, 0), (up, up), (left, left), (0, 0)), mode="reflect")
    total = np.zeros_like(images)
    for y, x in zip(*np.nonzero(kernel), strict=True):
        total += kernel[y, x] * padded[:, y : y + height, x : x + width]
    return total


def disk(radius: float) -> NDArray[np.float32]:
    """A disk as a kernel of sum 1, float32 ``(2r + 1, 2r + 1)``; pixels at its edge count partly.

    Args:
        radius: in pixels, from the centre of the middle pixel; the disk covers its whole area.
    """
    reach = math.ceil(radius - 0.5) if radius > 0.5 else 0
    places = (np.arange((2 * reach + 1) * _POINTS) + 0.5) / _POINTS - reach - 0.5
    inside = (places[:, None] ** 2 + places**2) <= max(radius, 0.5) ** 2
    covered = inside.reshape(2 * reach + 1, _POINTS, 2 * reach + 1, _POINTS).sum((1, 3))
    return (covered / covered.sum()).astype(np.float32)


def gaussian(sigma: float) -> NDArray[np.float32]:
    """A Gaussian kernel ``(2r + 1,)`` of sum 1, cut off at four standard deviations."""
    reach = math.ceil(4 * sigma)
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-(places**2) / (2 * sigma**2)) if sigma else np.ones(1)
    return (weights / weights.sum()).astype(np.float32)


def smoothed(images: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur with a Gaussian of this standard deviation, in pixels."""
    reach = min(images.shape[1:3]) - 1
    kernel = gaussian(min(sigma, reach / 4))
    return convolved(convolved(images, kernel[:, None]), kernel[None, :])


def line(length: float, angle: float) -> NDArray[np.float32]:
    """A line through the centre as a kernel of sum 1, its points spread over the pixels around.

    Args:
        length: in pixels.
        angle: in radians, from the direction of the rows.
    """
    reach = math.ceil(length / 2)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    points = np.linspace(-length / 2, length / 2, 4 * reach * _POINTS + 1)
    for y, x in zip(
        points * math.sin(angle) + reach, points * math.cos(angle) + reach, strict=True
    ):
        row, column = min(int(y), 2 * reach - 1), min(int(x), 2 * reach - 1)
        down, right = y - row, x - column
        kernel[row, column] += (1 - down) * (1 - right)
        kernel[row, column + 1] += (1 - down) * right
        kernel[row + 1, column] += down * (1 - right)
        kernel[row + 1, column + 1] += down * right
    kernel[kernel < 1e-3 * kernel.max()] = 0
    return (kernel / kernel.sum()).astype(np.float32)


def sampled(
    images: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Read images at any places, bilinearly; places outside are moved to the border.

    Args:
        images: float32 ``(n, height, width, channels)``.
        rows: float32, ``(h, w)`` for all images or ``(n, h, w)``; 0 is the first row's centre.
        columns: likewise.

    Returns:
        float32 ``(n, h, w, channels)``.
    """
    count, height, width = images.shape[:3]
    top, down = _split(rows, height)
    left, right = _split(columns, width)
    below, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    each = np.arange(count).reshape(-1, 1, 1)
    down, right = down[..., None], right[..., None]
    upper = images[each, top, left] * (1 - right) + images[each, top, beside] * right
    lower = images[each, below, left] * (1 - right) + images[each, below, beside] * right
    found: NDArray[np.float32] = upper * (1 - down) + lower * down
    return found


def stretched(
    images: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Read whole rows and columns at any places, as :func:`sampled` where these form a grid.

    Args:
        images: float32 ``(n, height, width, channels)``.
        rows: float32 ``(h,)``.
        columns: float32 ``(w,)``.

    Returns:
        float32 ``(n, h, w, channels)``.
    """
    top, down = _split(rows, images.shape[1])
    left, right = _split(columns, images.shape[2])
    down, right = down[:, None, None], right[:, None]
    below = np.minimum(top + 1, images.shape[1] - 1)
    beside = np.minimum(left + 1, images.shape[2] - 1)
    lines: NDArray[np.float32] = images[:, top] * (1 - down) + images[:, below] * down
    found: NDArray[np.float32] = lines[:, :, left] * (1 - right) + lines[:, :, beside] * right
    return found


def enlarged(grids: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Enlarge grids ``(n, h, w)`` to this size, bilinearly; their corners stay corners."""
    rows, columns = (
        np.linspace(0, before - 1, now, dtype=np.float32)
        for before, now in zip(grids.shape[1:], (height, width), strict=True)
    )
    return stretched(grids[..., None], rows, columns)[..., 0]


def shrunk(images: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Shrink images to this size, each new pixel the mean over the area that it covers."""
    return _shrunk(_shrunk(images, height).swapaxes(1, 2), width).swapaxes(1, 2)


def _shrunk(images: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Shrink the second axis."""
    before = images.shape[1]
    edges = np.arange(size + 1) * before / size
    new = np.zeros((len(images), size, *images.shape[2:]), np.float32)
    for place in range(size):
        start, end = edges[place], edges[place + 1]
        for old in range(int(start), math.ceil(end - 1e-9)):
            share = (min(end, old + 1) - max(start, old)) / (end - start)
            new[:, place] += np.float32(share) * images[:, old]
    return new


def _split(places: NDArray[np.float32], size: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The pixel at or before each place, and how far the place is from it."""
    inside = np.clip(places, 0, size - 1)
    whole = np.floor(inside).astype(np.int64)
    return whole, (inside - whole).astype(np.float32)
