"""An augmentation step of one's own, as a transform of albumentations."""

from __future__ import annotations

from typing import Any

import albumentations as A
import numpy as np
from numpy.typing import NDArray


class Speckle(A.ImageOnlyTransform):
    """Sets a share of the pixels to black.

    Args:
        share: of the pixels, 0 to 1.
        p: probability that an image is changed at all.
    """

    def __init__(self, share: float, p: float) -> None:
        super().__init__(p=p)
        self.share = share

    def apply(self, img: NDArray[np.uint8], **_: Any) -> NDArray[np.uint8]:
        """Change an image of uint8 ``(height, width, 3)``, drawing from albumentations' stream."""
        black = self.random_generator.random(img.shape[:2]) < self.share
        return np.where(black[..., None], np.uint8(0), img)
