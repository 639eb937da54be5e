"""Corruptions by blur, with shapes and errors as in ``noise``.

Lengths are in pixels of an image whose shorter side has 32; other sizes are scaled.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.corruptions.noise import Images, Streams
from cifar_lab.data.corruptions.resampling import convolved, disk, line, smoothed, stretched

#: Directions of motion, evenly spread over half a turn.
DIRECTIONS = 16
#: Copies of which a zoomed image is the mean.
COPIES = 12


def scale_of(images: Images) -> float:
    """Pixels of the shorter side per pixel of an image of 32."""
    return min(images.shape[1:3]) / 32


def defocus_blur(images: Images, radius: float, _: Streams) -> Images:
    """Blur with a disk of this radius, as a lens out of focus does."""
    return convolved(images, disk(0.5 + radius * scale_of(images)))


def glass_blur(images: Images, strength: tuple[float, float], streams: Streams) -> Images:
    """Swap pixels with random neighbours and smooth the result, as frosted glass does.

    Args:
        images: as everywhere.
        strength: share of the pixels that are swapped, and the Gaussian's standard deviation.
        streams: as everywhere.
    """
    share, sigma = strength
    height, width = images.shape[1:3]
    reach = max(1, round(scale_of(images)))
    moves = np.stack(
        [_moves(stream, share, reach, height, width) for stream in streams]
    )  # (n, height, width, 2)
    swapped, each = images.copy(), np.arange(len(images))
    for y in range(height):
        for x in range(width):
            down = np.clip(y + moves[:, y, x, 0], 0, height - 1)
            right = np.clip(x + moves[:, y, x, 1], 0, width - 1)
            here = swapped[:, y, x].copy()
            swapped[:, y, x] = swapped[each, down, right]
            swapped[each, down, right] = here
    return smoothed(swapped, sigma * scale_of(images))


def motion_blur(images: Images, length: float, streams: Streams) -> Images:
    """Blur along a line of this length, in one of ``DIRECTIONS`` directions."""
    return moved(images, length * scale_of(images), directions(streams))


def zoom_blur(images: Images, largest: float, _: Streams) -> Images:
    """Average copies that are enlarged about the centre by 1 up to this factor."""
    total = np.zeros_like(images)
    for factor in np.linspace(1, largest, COPIES):
        rows, columns = (
            ((np.arange(size) - (size - 1) / 2) / factor + (size - 1) / 2).astype(np.float32)
            for size in images.shape[1:3]
        )
        total += stretched(images, rows, columns)
    return total / np.float32(COPIES)


def directions(streams: Streams) -> NDArray[np.int64]:
    """A direction of motion for each image, int64 ``(n,)``."""
    return np.array([stream.integers(DIRECTIONS) for stream in streams], dtype=np.int64)


def moved(images: Images, length: float, along: NDArray[np.int64]) -> Images:
    """Blur each image ``(n, height, width, channels)`` along its direction, by pixels."""
    blurred = np.empty_like(images)
    for direction in np.unique(along):
        chosen = along == direction
        kernel = line(length, math.pi * int(direction) / DIRECTIONS)
        blurred[chosen] = convolved(images[chosen], kernel)
    return blurred


def _moves(
    stream: np.random.Generator, share: float, reach: int, height: int, width: int
) -> NDArray[np.int64]:
    """How far each pixel of an image is moved, int64 ``(height, width, 2)``; (0, 0) for many."""
    moves = stream.integers(-reach, reach + 1, (height, width, 2))
    return moves * (stream.random((height, width, 1)) < share)
