"""torchvision's v2 in the training process: what draws, image by image; what does not, by batch.

A v2 transform draws once for all images of a batch, so that those that draw are called for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision.transforms import v2

from benchmarks.peers.whole_batches import loader

__all__ = ["loader", "training_stack"]


def training_stack(mean: Sequence[float], std: Sequence[float]) -> Callable[[Tensor], Tensor]:
    """Pad 4, crop, flip, normalise, an 8×8 hole of zeros (the mean) in half of the images."""
    hole = 64 / (32 * 32)
    moved = v2.Compose(
        [
            v2.RandomCrop(32, padding=4, padding_mode="reflect"),
            v2.RandomHorizontalFlip(p=0.5),
        ]
    )
    normalised = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean=list(mean), std=list(std), inplace=True),
        ]
    )
    erased = v2.RandomErasing(p=0.5, scale=(hole, hole), ratio=(1.0, 1.0), inplace=True)

    def transform(images: Tensor) -> Tensor:
        batch: Tensor = normalised(torch.stack([moved(image) for image in images]))
        for image in batch:
            erased(image)
        return batch

    return transform
