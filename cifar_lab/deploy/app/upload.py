"""An image that a visitor uploads, which may be any file at all."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.picture import fitted, read_picture
from cifar_lab.refusal import Refusal
from cifar_lab.wording import size

#: Largest upload in bytes.
MOST_BYTES = 20_000_000
#: What to do about a file that cannot be used.
TRY = "try a PNG, JPEG or WebP file"
#: Pillow's names of modes with grey levels only.
GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Image:
    """An image, prepared for the network.

    Attributes:
        pixels: uint8 ``(height, width, 3)``, of the network's size.
        notes: how it became what the network sees, in whole sentences.
        label: its class, if it is known.
    """

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()
    label: int | None = None


def uploaded(data: Any, shape: tuple[int, int]) -> Image:
    """Decode an upload and prepare it as the data set's own images are.

    Args:
        data: what the browser sent: ``data:…;base64,…``, or the size of a file that is too large.
        shape: height and width of the network's images.

    Raises:
        Refusal: it is not an image that can be used.
    """
    content = _content(data)
    picture = read_picture(content)
    pixels = fitted(picture, shape)
    if isinstance(pixels, str):
        raise Refusal(f"This file {pixels}.")
    notes = _colours(content)
    if picture.size != shape[::-1]:
        before, after = f"{picture.width}×{picture.height}", f"{shape[1]}×{shape[0]}"
        notes.append(f"The image was resized from {before} to {after} pixels.")
    return Image(pixels, tuple(notes))


def _content(data: Any) -> bytes:
    if isinstance(data, int) and data > MOST_BYTES:
        raise Refusal(f"This file has {size(data)}, and at most {size(MOST_BYTES)} are allowed.")
    if not isinstance(data, str) or not data.startswith("data:"):
        raise Refusal(f"This file could not be read; {TRY}.")
    try:
        content = base64.b64decode(data.partition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(f"This file did not arrive whole; {TRY}.") from error
    return content if len(content) <= MOST_BYTES else _content(len(content))


def _colours(content: bytes) -> list[str]:
    """Return what is noted about the colours of an image that could be read."""
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(content)) as opened:
        mode = opened.mode
    if mode in GREY:
        return ["The image is grey: all three channels are the same."]
    return ["The image was converted from CMYK to RGB."] if mode == "CMYK" else []
