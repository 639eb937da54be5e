"""A loader that keeps images in memory and augments whole batches in the training process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class WholeBatches:
    """Yields float32 ``(batch, 3, h, w)`` and int64 labels, in a new order in every epoch.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        labels: int64 ``(n,)``.
        transform: of a batch, uint8 ``(batch, 3, h, w)``.
        batch_size: of all batches but the last.
        shuffle: otherwise the order is that of the images.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        transform: Callable[[Tensor], Tensor],
        batch_size: int,
        shuffle: bool,
    ) -> None:
        self.images = torch.from_numpy(images.copy()).permute(0, 3, 1, 2).contiguous()
        self.labels = torch.from_numpy(labels)
        self.transform = transform
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count = len(self.labels)
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for rows in order.split(self.batch_size):
            yield self.transform(self.images[rows]), self.labels[rows]


def loader(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    transform: Callable[[Tensor], Tensor],
    batch_size: int,
    workers: int = 0,
    shuffle: bool = True,
) -> WholeBatches:
    """Creates a loader in the training process, whatever the number of workers."""
    return WholeBatches(images, labels, transform, batch_size, shuffle)
