"""Decodes one image to RGB; grey levels become three equal channels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.wording import first_sentence

#: An image, uint8 ``(height, width, 3)``, with its height and width before resizing.
Sized = tuple[NDArray[np.uint8], tuple[int, int]]


def decoded(file: Path | bytes, resize: int | None) -> Sized | str:
    """Decode an encoded image, given as a file or as its content.

    Returns the reason if it could not be read as an image.
    """
    image = read_image(file)
    return image if isinstance(image, str) else _sized(image, resize)


def sized(image: Any, resize: int | None) -> Sized:
    """Convert a Pillow image that somebody else has read to RGB and resize it.

    Args:
        image: of any mode; it is not turned, as whoever read it may have done so.
        resize: side in pixels; None keeps the size.

    Raises:
        ValueError: its grey levels have no known range.
    """
    return _sized(_rgb(image), resize)


def read_image(file: Path | bytes) -> Any:
    """Read an encoded image as a Pillow image, upright and in RGB; return the reason on failure."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as opened:
            return upright_rgb(opened)
    except UnidentifiedImageError:
        empty = not file if isinstance(file, bytes) else file.stat().st_size == 0
        return "the file is empty" if empty else "not an image in a known format"
    except Exception as error:  # a damaged file makes Pillow's many decoders raise anything
        return first_sentence(error)


def resized(image: Any, size: tuple[int, int]) -> Any:
    """Resize a Pillow image to height and width (bicubic), unless it has this size."""
    from PIL import Image

    height, width = size
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BICUBIC)


def upright_rgb(image: Any) -> Any:
    """Convert a Pillow image of any mode to RGB, turned as its EXIF orientation says.

    1-bit, 8-bit and 16-bit grey levels become three equal channels, 16-bit ones scaled to 8 bits;
    transparent areas become white.

    Raises:
        ValueError: its grey levels have no known range.
    """
    from PIL import ExifTags, ImageOps

    image.load()  # metadata may follow the pixels
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
    return _rgb(ImageOps.exif_transpose(image) if turned else image)


def _rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) // 257).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise ValueError("grey levels without a known range")
    if image.has_transparency_data:
        layered = image if image.mode == "RGBA" else image.convert("RGBA")
        # A large one is not kept longer than needed.
        layered = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
        return layered.convert("RGB")
    return image.convert("RGB")


def _sized(rgb: Any, resize: int | None) -> Sized:
    file_size = (rgb.height, rgb.width)
    if resize is not None:
        rgb = resized(rgb, (resize, resize))
    return np.asarray(rgb, dtype=np.uint8), file_size
