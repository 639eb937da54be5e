"""Images of one's own: a class with two methods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Split = tuple[NDArray[np.uint8], NDArray[np.int64]]


class Shapes:
    """Discs, squares and crosses of any size, drawn by the program.

    Args:
        train_images: number of training images; the YAML file gives it.
    """

    class_names = ("disc", "square", "cross")

    def __init__(self, train_images: int) -> None:
        self.train_images = train_images

    def train(self) -> Split:
        """Grey images, uint8 ``(n, 32, 32)``, and labels, int64 ``(n,)``."""
        return _drawn(self.train_images, seed=0)

    def test(self) -> Split:
        """Likewise, of other sizes and places."""
        return _drawn(300, seed=1)


def _drawn(number: int, seed: int) -> Split:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3, number)
    centres, radii = draw.integers(11, 21, (2, number, 1, 1)), draw.integers(4, 11, (number, 1, 1))
    y, x = np.mgrid[:32, :32]
    down, right = abs(y - centres[0]), abs(x - centres[1])
    inside = np.maximum(down, right) < radii
    shapes = [np.hypot(down, right) < radii, inside, inside & (np.minimum(down, right) < 2)]
    noise = draw.integers(0, 100, (number, 32, 32))
    shown = np.choose(labels[:, None, None], shapes)
    return np.where(shown, 255 - noise, noise).astype(np.uint8), labels
