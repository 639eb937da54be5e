"""Corruptions by weather, with shapes as in ``noise``; all weather is drawn, none photographed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.corruptions.blur import directions, moved, scale_of
from cifar_lab.data.corruptions.noise import Images, Streams
from cifar_lab.data.corruptions.resampling import enlarged, smoothed

#: Weights of red, green and blue in a grey level (ITU-R BT.601).
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
#: Colour of ice: a little blue.
ICE = np.array([0.88, 0.95, 1.0], dtype=np.float32)


def snow(images: Images, strength: tuple[float, float], streams: Streams) -> Images:
    """Whiten the image, and let flakes fall in one direction.

    Args:
        images: as everywhere.
        strength: share of the pixels where a flake is, and how much of the image turns white.
        streams: as everywhere.
    """
    share, white = strength
    shape, scale = images.shape[1:3], scale_of(images)
    drawn = np.stack([stream.random(shape, np.float32) for stream in streams])
    flakes = smoothed((drawn < share).astype(np.float32)[..., None], 0.5 * scale)
    fallen = np.clip(3 * moved(flakes, 3 * scale, directions(streams)), 0, 1)
    bright = np.maximum(images, np.float32(0.5) + np.float32(0.5) * grey(images))
    whitened = images + np.float32(white) * (bright - images)
    return whitened + np.float32(0.9) * fallen * (1 - whitened)


def frost(images: Images, strength: tuple[float, float], streams: Streams) -> Images:
    """Darken the image, and let crystals of ice grow over it from the border.

    The crystals are the ridges of fractal noise. Hendrycks and Dietterich use photographs instead.

    Args:
        images: as everywhere.
        strength: brightness that is left of the image, and opacity of the ice.
        streams: as everywhere.
    """
    left, opacity = strength
    height, width = images.shape[1:3]
    ridges = 1 - np.abs(2 * clouds(streams, height, width, decay=0.65) - 1)
    across, down = (np.abs(np.linspace(-1, 1, size, dtype=np.float32)) for size in (width, height))
    border = np.float32(0.45) + np.float32(0.55) * np.maximum(across[None, :], down[:, None])
    ice = np.clip(np.float32(opacity) * ridges * ridges * ridges * border * 2, 0, 1)[..., None]
    return np.float32(left) * images * (1 - ice) + ice * ICE


def fog(images: Images, strength: tuple[float, float], streams: Streams) -> Images:
    """Mix the image with white fog of varying density.

    Args:
        images: as everywhere.
        strength: mean opacity of the fog, and how fast its finer structure fades (0 … 1).
        streams: as everywhere.
    """
    opacity, decay = strength
    height, width = images.shape[1:3]
    density = np.float32(opacity) * (
        np.float32(0.6) + np.float32(0.8) * clouds(streams, height, width, decay)
    )
    density = np.clip(density, 0, np.float32(0.95))[..., None]
    return images * (1 - density) + density * np.float32(0.85)


def brightness(images: Images, more: float, _: Streams) -> Images:
    """Add this to the value of HSV, at most up to 1; hue and saturation stay."""
    value = images.max(axis=3, keepdims=True)
    raised = np.minimum(value + np.float32(more), 1)
    factor = raised / np.where(value > 0, value, 1)
    return np.where(value > 0, images * factor, raised)


def clouds(streams: Streams, height: int, width: int, decay: float) -> NDArray[np.float32]:
    """Fractal noise in 0 … 1, float32 ``(n, height, width)``: grids of twice as many cells each.

    Args:
        streams: one for each image.
        height: in pixels.
        width: likewise.
        decay: amplitude of a grid relative to the next coarser one.
    """
    total, cells, amplitude = np.zeros((len(streams), height, width), np.float32), 2, 1.0
    while cells <= max(height, width):
        grids = [stream.random((cells + 1, cells + 1), np.float32) for stream in streams]
        total += np.float32(amplitude) * enlarged(np.stack(grids), height, width)
        cells, amplitude = 2 * cells, amplitude * decay
    low, high = (find(total, axis=(1, 2), keepdims=True) for find in (np.min, np.max))
    return (total - low) / np.maximum(high - low, np.float32(1e-6))


def grey(images: Images) -> NDArray[np.float32]:
    """Grey levels, float32 ``(n, height, width, 1)``."""
    red, green, blue = (images[..., channel : channel + 1] for channel in range(3))
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue
