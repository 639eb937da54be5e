"""Corruptions by noise. All functions map float32 ``(n, height, width, 3)`` in 0 … 1 to the same.

The result may lie outside of 0 … 1. Each image has a random stream of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Streams = Sequence[np.random.Generator]


def gaussian_noise(images: Images, sigma: float, streams: Streams) -> Images:
    """Add normal noise of this standard deviation to every value."""
    noise = [stream.standard_normal(images.shape[1:], np.float32) for stream in streams]
    return images + np.float32(sigma) * np.stack(noise)


def shot_noise(images: Images, photons: float, streams: Streams) -> Images:
    """Count photons: Poisson noise, where a value of 1 stands for this many."""
    counts = [
        stream.poisson(image.astype(np.float64) * photons)
        for image, stream in zip(images, streams, strict=True)
    ]
    return (np.stack(counts) / photons).astype(np.float32)


def impulse_noise(images: Images, share: float, streams: Streams) -> Images:
    """Replace this share of all values by 0 or 1, either equally often (salt and pepper)."""
    drawn = np.stack([stream.random(images.shape[1:], np.float32) for stream in streams])
    noisy = np.where(drawn < share / 2, np.float32(0), images)
    return np.where(drawn >= 1 - share / 2, np.float32(1), noisy)
