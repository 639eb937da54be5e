"""Batches on the device: normalised images, labels, in an order and with draws that repeat."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from cifar_lab.data.arrays import Dataset, ImageArrays

Augment = Callable[[NDArray[np.uint8], int, int], NDArray[np.uint8]]


class Batch(NamedTuple):
    """A batch on the device.

    Attributes:
        images: float32 ``(batch, 3, height, width)``, normalised.
        labels: int64 ``(batch,)``.
    """

    images: Tensor
    labels: Tensor


class Normalise:
    """Moves uint8 images to the device and makes them what a network reads.

    Args:
        mean: float ``(3,)``, of pixels / 255.
        std: float ``(3,)``, likewise.
        device: where batches go.
        channels_last: memory format of the result; its shape is the same either way.
    """

    def __init__(
        self,
        mean: NDArray[np.float64],
        std: NDArray[np.float64],
        device: torch.device,
        channels_last: bool,
    ) -> None:
        self.device = device
        self.channels_last = channels_last
        self._mean = torch.as_tensor(mean * 255, dtype=torch.float32, device=device).view(3, 1, 1)
        self._std = torch.as_tensor(std * 255, dtype=torch.float32, device=device).view(3, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        """Maps uint8 ``(batch, height, width, 3)`` to float32 ``(batch, 3, height, width)``."""
        images = images.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        if not self.channels_last:
            images = images.contiguous()
        return images.float().sub_(self._mean).div_(self._std)


class TrainLoader:
    """Shuffled, augmented batches of the training rows; the last one may be smaller.

    Order and augmentation are functions of (seed, epoch, image): the same for any number of
    workers, different in every epoch.

    Args:
        dataset: what to draw from.
        augment: maps (image, epoch, row) to an image; None leaves images as they are.
        normalise: applied to whole batches, on the device.
        batch_size: images a batch.
        seed: the run's seed.
        workers: processes that augment; 0 augments in this one.
    """

    def __init__(
        self,
        dataset: Dataset,
        augment: Augment | None,
        normalise: Normalise,
        batch_size: int,
        seed: int,
        workers: int,
    ) -> None:
        self.rows = dataset.train_indices
        self.batch_size = batch_size
        self.seed = seed
        self.augment = augment
        self._normalise = normalise
        self._plan = _EpochPlan()
        self._loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            _AugmentedRows(dataset.source.train, augment),
            batch_sampler=self._plan,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_leave_signals_to_the_trainer,
            collate_fn=_as_fetched,  # __getitems__ gave a batch
            pin_memory=normalise.device.type == "cuda",
            # Of its own: the loader's draws must not move the global stream, or a resumed
            # epoch would see other dropout masks.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The training rows in the order of an epoch."""
        return np.random.default_rng((self.seed, epoch)).permutation(self.rows)

    def batches(self, epoch: int, first: int, end: int) -> Iterator[Batch]:
        """Batches ``first`` to ``end - 1`` of an epoch."""
        order = self.order(epoch)
        size = self.batch_size
        self._plan.epoch = epoch
        self._plan.batches = [order[i * size : (i + 1) * size] for i in range(first, end)]
        for images, labels in self._loader:
            yield Batch(
                self._normalise(images), labels.to(self._normalise.device, non_blocking=True)
            )


class EvalLoader:
    """Batches of chosen rows in the order given, as they are.

    Args:
        arrays: what to read from.
        rows: int64 ``(n,)``, rows of ``arrays``.
        normalise: applied to whole batches, on the device.
        batch_size: images a batch.
    """

    def __init__(
        self, arrays: ImageArrays, rows: NDArray[np.int64], normalise: Normalise, batch_size: int
    ) -> None:
        self._arrays = arrays
        self._rows = rows
        self.normalise = normalise
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Batches."""
        return -(-len(self._rows) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self._rows), self.batch_size):
            rows = self._rows[start : start + self.batch_size]
            images = torch.from_numpy(self._arrays.images[rows])
            labels = torch.from_numpy(self._arrays.labels[rows])
            yield Batch(self.normalise(images), labels.to(self.normalise.device))


class _EpochPlan:
    """The batch sampler: lists of (epoch, row), set anew each epoch, so that workers stay alive."""

    def __init__(self) -> None:
        self.epoch = 0
        self.batches: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for rows in self.batches:
            yield [(self.epoch, int(row)) for row in rows]


class _AugmentedRows(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Gives a whole batch a call, as torch's fetcher asks for where ``__getitems__`` exists."""

    def __init__(self, arrays: ImageArrays, augment: Augment | None) -> None:
        self.arrays = arrays
        self.augment = augment

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        return self.__getitems__([key])

    def __getitems__(self, keys: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        rows = np.asarray([row for _, row in keys])
        images = self.arrays.images[rows]
        if self.augment is not None:
            for position, (epoch, row) in enumerate(keys):
                images[position] = self.augment(images[position], epoch, row)
        return torch.from_numpy(images), torch.from_numpy(self.arrays.labels[rows])


def _as_fetched(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_trainer(_: int) -> None:
    # Ctrl-C, and what `timeout` and batch systems send, reaches the whole process group; the
    # trainer finishes its step and needs its workers for that. So they form a group of their own.
    # They still die of SIGTERM: that is how the interpreter ends them when the trainer fails.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
