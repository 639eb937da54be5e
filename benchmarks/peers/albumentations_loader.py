"""A DataLoader whose workers apply albumentations to each image, as in its documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import albumentations as A
import cv2
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class Images(Dataset[tuple[Tensor, int]]):
    """Images in memory, transformed one by one.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        labels: int64 ``(n,)``.
        transform: an albumentations stack that returns a tensor.
    """

    def __init__(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64], transform: A.Compose
    ) -> None:
        self.images = images
        self.labels = labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(image=self.images[index])["image"], int(self.labels[index])


def training_stack(mean: Sequence[float], std: Sequence[float]) -> A.Compose:
    """Pad 4, crop, flip, an 8×8 hole in half of the images, normalise."""
    return A.Compose(
        [
            A.PadIfNeeded(40, 40, border_mode=cv2.BORDER_REFLECT_101),
            A.RandomCrop(32, 32),
            A.HorizontalFlip(p=0.5),
            A.CoarseDropout(
                num_holes_range=(1, 1),
                hole_height_range=(8, 8),
                hole_width_range=(8, 8),
                fill=[round(255 * value) for value in mean],
                p=0.5,
            ),
            A.Normalize(mean=mean, std=std),
            ToTensorV2(),
        ],
        strict=True,
    )


def loader(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    transform: A.Compose,
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
        worker_init_fn=_begin_worker if workers else None,
    )


def evaluation_stack(mean: Sequence[float], std: Sequence[float]) -> A.Compose:
    """Normalise."""
    return A.Compose([A.Normalize(mean=mean, std=std), ToTensorV2()])


def _begin_worker(_: int) -> None:
    # As its documentation advises: the threads of several workers would compete.
    cv2.setNumThreads(0)
    info: Any = torch.utils.data.get_worker_info()
    info.dataset.transform.set_random_seed(torch.initial_seed() % 2**32)
