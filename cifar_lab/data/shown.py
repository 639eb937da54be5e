"""What training showed of chosen images in an epoch, without loading its batches again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cifar_lab.data.loaders import TrainLoader


class Shown(NamedTuple):
    """A training image as the network received it, before normalisation.

    Attributes:
        pixels: uint8 ``(height, width, 3)``.
        label: class of the larger part.
        partner: class of the smaller part; the same as ``label`` if the batch was not mixed.
        weight: share of the larger part; 1 if the batch was not mixed.
    """

    pixels: NDArray[np.uint8]
    label: int
    partner: int
    weight: float


def shown(
    loader: TrainLoader, row: int, epoch: int, limit_batches: int | None, processes: int
) -> Shown | None:
    """Augment an image as in an epoch, and mix it with its partner if its batch was mixed.

    Args:
        loader: of the run, or of the same run on other devices.
        row: row of the image among all training images, one of ``loader.rows``.
        epoch: index of the epoch, from 0.
        limit_batches: batches of each epoch; None for all.
        processes: number of processes of the run, which share each batch.

    Returns:
        None if the epoch ended before the image's batch.
    """
    number, rows = _batch_of(loader, row, epoch, processes)
    if limit_batches is not None and number >= limit_batches:
        return None
    images, labels = loader.images, loader.labels
    place = int(np.flatnonzero(rows == row)[0])
    partner = int(rows[place - 1])  # the one before it, as in Mixing
    pair = torch.from_numpy(
        np.stack([_augmented(loader, images, each, epoch) for each in (partner, row)])
    )
    if loader.mixing is None:
        return Shown(pair[1].numpy(), int(labels[row]), int(labels[row]), 1.0)
    # Mixing is linear in the pixels, and draws for the batch as a whole: a batch of two, of which
    # the second is mixed with the first, is mixed as the whole batch was.
    mixed = loader.mixing(
        pair.permute(0, 3, 1, 2).float(),
        torch.tensor([int(labels[partner]), int(labels[row])]),
        loader.mixing_stream(epoch, number),
    )
    pixels = mixed.images[1].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return Shown(pixels.numpy(), int(mixed.labels[1]), int(mixed.partners[1]), float(mixed.weight))


def rows_shown(
    loader: TrainLoader, epochs: list[int], limit_batches: int | None, processes: int
) -> NDArray[np.int64]:
    """The training rows that were shown in most of the epochs, sorted."""
    if limit_batches is None:
        return np.sort(loader.rows)
    first = limit_batches * loader.batch_size * processes
    seen = np.concatenate([loader.order(epoch)[:first] for epoch in epochs] or [loader.rows])
    rows, times = np.unique(seen, return_counts=True)
    chosen: NDArray[np.int64] = rows[times == times.max()]
    return chosen


def _batch_of(
    loader: TrainLoader, row: int, epoch: int, processes: int
) -> tuple[int, NDArray[np.int64]]:
    """Number of the batch that contains a row, and the rows of its process's part of the batch."""
    order, together = loader.order(epoch), loader.batch_size * processes
    number = int(np.flatnonzero(order == row)[0]) // together
    parts = np.array_split(order[number * together : (number + 1) * together], processes)
    return number, next(part for part in parts if row in part)


def _augmented(
    loader: TrainLoader, images: NDArray[np.uint8], row: int, epoch: int
) -> NDArray[np.uint8]:
    image = images[row]
    return image if loader.stack is None else loader.stack.one(image, epoch, row)
