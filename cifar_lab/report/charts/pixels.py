"""Pictures of data inside the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Longest side in pixels up to which images are kept as they are, and of those that are reduced.
EXACT, REDUCED = 64, 128


def uri_of(pixels: NDArray[np.uint8]) -> str:
    """A picture as a URI: exact if it is small, else reduced.

    Args:
        pixels: uint8 ``(height, width, 3)``.
    """
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    exact = max(picture.size) <= EXACT
    if not exact:
        picture.thumbnail((REDUCED, REDUCED))
    picture.save(buffer, "PNG" if exact else "JPEG", **({} if exact else {"quality": 88}))
    kind = "png" if exact else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
