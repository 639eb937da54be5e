"""Smaller images for the first epochs: cheaper steps while a network learns what is coarse."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from cifar_lab.data.loaders import TrainBatch


def resized_batch(batch: TrainBatch, side: int | None) -> TrainBatch:
    """Return a batch with its images resized, as :func:`resized` does; as it is for None."""
    if side is None:
        return batch
    return batch._replace(images=resized(batch.images, side))


def resized(images: Tensor, side: int) -> Tensor:
    """Resize images bilinearly with antialiasing, in float32 and on their device.

    Args:
        images: float ``(batch, 3, height, width)``; their memory format is kept.
        side: shorter side of the result in pixels; the longer one keeps the proportion.

    Returns:
        The same dtype; the images themselves where they have this size already.
    """
    height, width = images.shape[2:]
    shorter = min(height, width)
    if side == shorter:
        return images
    size = [round(length * side / shorter) for length in (height, width)]
    smaller = functional.interpolate(images.float(), size=size, mode="bilinear", antialias=True)
    return smaller.to(images.dtype)
