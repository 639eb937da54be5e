"""Kornia's augmentations, which draw for each image of a batch and work on the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import kornia.augmentation as K
import torch
from torch import Tensor

from benchmarks.peers.whole_batches import loader

__all__ = ["loader", "training_stack"]


def training_stack(mean: Sequence[float], std: Sequence[float]) -> Callable[[Tensor], Tensor]:
    """Pad 4, crop, flip, normalise, an 8×8 hole of zeros (the mean) in half of the images."""
    hole = 64 / (32 * 32)
    steps = K.AugmentationSequential(
        K.RandomCrop((32, 32), padding=4, padding_mode="reflect"),
        K.RandomHorizontalFlip(p=0.5),
        K.Normalize(mean=list(mean), std=list(std)),
        K.RandomErasing(scale=(hole, hole), ratio=(1.0, 1.0), value=0.0, p=0.5),
        data_keys=["input"],
    )

    def transform(images: Tensor) -> Tensor:
        with torch.no_grad():
            augmented: Tensor = steps(images.float() / 255)
        return augmented

    return transform
