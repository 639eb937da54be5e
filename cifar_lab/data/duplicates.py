"""Exact duplicates between two sets of images."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def duplicates(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of rows with identical pixels, one from each set; near-duplicates are not checked.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        others: uint8 ``(m, height, width, 3)``.

    Returns:
        ``(row of images, row of others)``, in the order of ``others``; if several images are
        identical, the first is returned.
    """
    first: dict[bytes, int] = {}
    for row, image in enumerate(images):
        first.setdefault(_digest(image), row)
    pairs = ((first.get(_digest(other)), row) for row, other in enumerate(others))
    return [(found, row) for found, row in pairs if found is not None]


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha1(image.tobytes(), usedforsecurity=False).digest()
