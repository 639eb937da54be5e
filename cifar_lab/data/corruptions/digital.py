"""Corruptions by digital processing, with shapes as in ``noise``."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_lab.data.corruptions.blur import scale_of
from cifar_lab.data.corruptions.noise import Images, Streams
from cifar_lab.data.corruptions.resampling import sampled, shrunk, smoothed

#: How smooth an elastic deformation is: standard deviation in pixels of an image of 32.
SMOOTH = 3.0


def contrast(images: Images, factor: float, _: Streams) -> Images:
    """Scale the deviations from each channel's mean over the image by this factor."""
    height, width = images.shape[1:3]
    # Sums of whole numbers are exact in any order.
    mean = as_bytes(images).sum(axis=(1, 2), keepdims=True, dtype=np.int64) / (255 * height * width)
    mean = mean.astype(np.float32)
    return (images - mean) * np.float32(factor) + mean


def elastic_transform(images: Images, shift: float, streams: Streams) -> Images:
    """Move pixels smoothly and at random, up to about twice this many pixels of an image of 32."""
    height, width = images.shape[1:3]
    scale = scale_of(images)
    drawn = [stream.uniform(-1, 1, (height, width, 2)).astype(np.float32) for stream in streams]
    field = smoothed(np.stack(drawn), SMOOTH * scale)
    largest = np.abs(field).max(axis=(1, 2), keepdims=True)
    field *= np.float32(2 * shift * scale) / np.maximum(largest, np.float32(1e-6))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return sampled(images, rows + field[..., 0], columns + field[..., 1])


def pixelate(images: Images, share: float, _: Streams) -> Images:
    """Shrink the sides to this share, and enlarge them again without interpolation."""
    height, width = images.shape[1:3]
    small = shrunk(images, max(1, round(share * height)), max(1, round(share * width)))
    # The pixel that contains the centre of the new one.
    rows = (2 * np.arange(height) + 1) * small.shape[1] // (2 * height)
    columns = (2 * np.arange(width) + 1) * small.shape[2] // (2 * width)
    return small[:, rows[:, None], columns]


def jpeg_compression(images: Images, quality: int, _: Streams) -> Images:
    """Compress with this quality (1 … 95), by Pillow; its library's version may change a bit."""
    again = [_compressed(image, quality) for image in as_bytes(images)]
    return np.stack(again).astype(np.float32) / np.float32(255)


def as_bytes(images: Images) -> NDArray[np.uint8]:
    """Round values in 0 … 1 to uint8; others are moved to the border."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    with Image.open(buffer) as again:
        return np.asarray(again.convert("RGB"))
