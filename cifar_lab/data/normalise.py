"""From uint8 pixels to network input."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Normalise:
    """Moves uint8 images to the device, subtracts the mean, divides by the standard deviation.

    Args:
        mean: float ``(3,)``, of pixels / 255.
        std: float ``(3,)``, likewise.
        device: the device that batches are moved to.
        channels_last: memory format of the result; the shape is the same either way.
        dtype: dtype of the result, which is computed in float32 and rounded once.
    """

    def __init__(
        self,
        mean: NDArray[np.float64],
        std: NDArray[np.float64],
        device: torch.device,
        channels_last: bool,
        dtype: torch.dtype,
    ) -> None:
        self.device = device
        self.channels_last = channels_last
        self.dtype = dtype
        self._mean = torch.as_tensor(mean * 255, dtype=torch.float32, device=device)
        self._std = torch.as_tensor(std * 255, dtype=torch.float32, device=device)

    def __call__(self, images: Tensor) -> Tensor:
        """Map uint8 ``(batch, height, width, 3)`` to float ``(batch, 3, height, width)``."""
        batch, height, width, channels = images.shape
        # As lines of bytes: a CPU's vector units handle whole lines, but not groups of 3 channels.
        lines = images.to(self.device, non_blocking=True).reshape(batch, height, width * channels)
        mean, std = self._mean.repeat(width), self._std.repeat(width)
        normalised = lines.float().sub_(mean).div_(std).to(self.dtype)
        planes = normalised.view(batch, height, width, channels).permute(0, 3, 1, 2)
        return planes if self.channels_last else planes.contiguous()
