"""Images as PNG files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray


def png(pixels: NDArray[np.uint8], effort: int = 6) -> bytes:
    """Encode an image.

    Args:
        pixels: uint8 ``(height, width, 3)``, in any memory layout.
        effort: put into compressing, 0 to 9; 1 is several times faster than 6.
    """
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "PNG", compress_level=effort)
    return content.getvalue()
