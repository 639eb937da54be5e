"""A DataLoader whose workers apply torchvision's v2 transforms to each image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2


class Images(Dataset[tuple[Tensor, int]]):
    """Images in memory as uint8 tensors, as recommended for v2, transformed one by one.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        labels: int64 ``(n,)``.
        transform: a v2 stack.
    """

    def __init__(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], transform: v2.Compose
    ) -> None:
        self.images = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).contiguous()
        self.labels = labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def training_stack(mean: Sequence[float], std: Sequence[float]) -> v2.Compose:
    """Pad 4, crop, flip, normalise, an 8×8 hole of zeros (the mean) in half of the images."""
    hole = 64 / (32 * 32)
    return v2.Compose(
        [
            v2.RandomCrop(32, padding=4, padding_mode="reflect"),
            v2.RandomHorizontalFlip(p=0.5),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean=list(mean), std=list(std)),
            v2.RandomErasing(p=0.5, scale=(hole, hole), ratio=(1.0, 1.0), value=0),
        ]
    )


def loader(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    transform: v2.Compose,
    batch_size: int,
    workers: int = 2,
    shuffle: bool = True,
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Creates a loader of float32 ``(batch, 3, 32, 32)`` and labels, with persistent workers."""
    return DataLoader(
        Images(images, labels, transform),
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
