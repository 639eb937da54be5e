"""Images augmented one by one in worker processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

if TYPE_CHECKING:  # albumentations costs seconds to import
    from cifar_lab.data.batch_augment import ImageSteps


class SingleImages:
    """Batches of images augmented one by one in worker processes.

    Args:
        images: uint8 ``(n, height, width, 3)``, all training images.
        augment: the steps.
        workers: number of processes; 0 augments in this one.
        pinned: whether batches are to be copied to a CUDA device.
    """

    def __init__(
        self, images: NDArray[np.uint8], augment: ImageSteps, workers: int, pinned: bool
    ) -> None:
        self._plan = _EpochPlan()
        self._loader: DataLoader[Tensor] = DataLoader(
            _AugmentedRows(images, augment),
            batch_sampler=self._plan,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_leave_signals_to_the_trainer,
            collate_fn=_as_fetched,  # __getitems__ already returns a batch
            pin_memory=pinned,
            # The loader must not draw from the global stream, or a resumed epoch would get
            # different dropout masks.
            generator=torch.Generator(),
        )

    def batches(self, epoch: int, pairs: list[NDArray[np.int64]]) -> Iterator[Tensor]:
        """Yield uint8 ``(batch, height, width, 3)`` for each batch of (row, draw)."""
        self._plan.epoch, self._plan.batches = epoch, pairs
        yield from self._loader


class _EpochPlan:
    """Batch sampler of (epoch, row, draw), updated every epoch so that workers stay alive."""

    def __init__(self) -> None:
        self.epoch = 0
        self.batches: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int, int]]]:
        for pairs in self.batches:
            yield [(self.epoch, row, draw) for row, draw in pairs.tolist()]


class _AugmentedRows(torch.utils.data.Dataset[Tensor]):
    """Returns a whole batch per call: torch's fetcher uses ``__getitems__`` if it exists."""

    def __init__(self, images: NDArray[np.uint8], augment: ImageSteps) -> None:
        self.images = images
        self.augment = augment

    def __getitem__(self, key: tuple[int, int, int]) -> Tensor:
        return self.__getitems__([key])

    def __getitems__(self, keys: list[tuple[int, int, int]]) -> Tensor:
        images = self.images[[row for _, row, _ in keys]]
        for position, (epoch, _, draw) in enumerate(keys):
            images[position] = self.augment(images[position], epoch, draw)
        return torch.from_numpy(images)


def _as_fetched(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_trainer(_: int) -> None:
    # Ctrl-C and signals from `timeout` or batch systems reach the whole process group, but the
    # trainer needs its workers to finish its step. So each worker gets a process group of its own.
    # SIGHUP may reach every process of a session that ends.
    # SIGTERM still ends them: that is how the interpreter stops them when the trainer fails.
    os.setpgid(0, 0)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def lost_worker(error: BaseException) -> str | None:
    """Return torch's words if the error means that a worker process died; else None.

    torch may raise it anywhere in the main thread, from its handler of SIGCHLD. If a batch was just
    being received, its connection breaks first.
    """
    if isinstance(error, (ConnectionResetError, EOFError)):
        return f"DataLoader worker lost ({str(error) or 'end of file'})"
    text = str(error)
    lost = isinstance(error, RuntimeError) and text.startswith("DataLoader worker (pid")
    return text.partition(". ")[0].rstrip(". ") if lost else None
