"""Loaders of normalised batches on the device, with reproducible order and augmentation."""

from __future__ import annotations

import os
import signal
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from cifar_lab.data.arrays import Dataset
from cifar_lab.data.mixing import MixedBatch, Mixing
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels

if TYPE_CHECKING:  # albumentations costs seconds to import
    from cifar_lab.data.batch_augment import AugmentationStack, ImageSteps

#: Images prepared at once when batches are smaller.
CHUNK_IMAGES = 2048
#: Separates the random stream of mixing from those of order and augmentation.
MIXING_STREAM = zlib.crc32(b"mixing")


class Batch(NamedTuple):
    """A batch on the device.

    Attributes:
        images: float32 or bfloat16 ``(batch, 3, height, width)``, normalised.
        labels: int64 ``(batch,)``.
    """

    images: Tensor
    labels: Tensor


#: Input of a training step: all batches of a run are of the same kind.
TrainBatch = Batch | MixedBatch


class Shard(NamedTuple):
    """The part of every batch that a process gets: part ``rank`` of ``parts``."""

    rank: int
    parts: int


#: The whole of every batch.
WHOLE = Shard(rank=0, parts=1)


class TrainLoader:
    """Shuffled, augmented batches of the training rows; the last one may be smaller.

    Order and augmentation depend on (seed, epoch, image): they are the same for any batch size and
    any number of workers, and differ from epoch to epoch. Mixing depends on (seed, epoch, index of
    the batch).

    Args:
        dataset: the data set to draw from.
        pixels: pixels of all training images.
        stack: the augmentation; None leaves images unchanged.
        normalise: applied to whole batches, on the device.
        mixing: applied to each batch after normalisation; None disables it.
        batch_size: images per batch for this process.
        seed: the run's seed.
        workers: worker processes for single-image steps; 0 runs them in this process.
        shard: the part of every batch that this process gets.

    Attributes:
        augmentation: where its steps run and why, as shown in the run's log.
        images: uint8 ``(n, height, width, 3)``, all training images, before augmentation.
        labels: int64 ``(n,)``, their classes.
    """

    def __init__(
        self,
        dataset: Dataset,
        pixels: Pixels,
        stack: AugmentationStack | None,
        normalise: Normalise,
        mixing: Mixing | None,
        batch_size: int,
        seed: int,
        workers: int,
        shard: Shard = WHOLE,
    ) -> None:
        self.rows = dataset.train_indices
        self.batch_size = batch_size
        self.seed = seed
        self.stack = stack
        self.pixels = pixels
        self.augmentation = "none" if stack is None else stack.described(workers)
        self._shard = shard
        self._normalise = normalise
        self.mixing = mixing
        self.images, self.labels = dataset.source.train.images, dataset.source.train.labels
        self._labels = torch.from_numpy(dataset.source.train.labels).to(normalise.device)
        self._single: _SingleImages | None = None
        if stack is not None and len(stack.images):
            pinned = normalise.device.type == "cuda"
            self._single = _SingleImages(self.images, stack.images, workers, pinned)

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.rows) // (self.batch_size * self._shard.parts))

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The training rows in the order of this epoch."""
        return np.random.default_rng((self.seed, epoch)).permutation(self.rows)

    def mixing_stream(self, epoch: int, number: int) -> np.random.Generator:
        """The random stream that mixes batch ``number`` of an epoch."""
        return np.random.default_rng((self.seed, MIXING_STREAM, epoch, number))

    def batches(self, epoch: int, first: int, end: int) -> Iterator[TrainBatch]:
        """Yield batches ``first`` to ``end - 1`` of an epoch."""
        mixing, unmixed = self.mixing, self._unmixed(epoch, first, end)
        if mixing is None:
            return unmixed
        return (
            mixing(*batch, self.mixing_stream(epoch, number))
            for number, batch in enumerate(unmixed, first)
        )

    def _unmixed(self, epoch: int, first: int, end: int) -> Iterator[Batch]:
        if first >= end:
            return
        size = self.batch_size
        order = self._share(torch.from_numpy(self.order(epoch)), first, end)
        # Several small batches are prepared at once: call overhead dominates small operations.
        together = size * max(CHUNK_IMAGES // size, 1) if self._single is None else size
        chunks = order.to(self._normalise.device, non_blocking=True).split(together)
        for rows, (store, places) in zip(chunks, self._stores(epoch, chunks), strict=True):
            if self.stack is None:
                augmented = store.index_select(0, places)
            else:
                augmented = self.stack.batches(store, places, epoch, rows)
            images = self._normalise(augmented).split(size)
            yield from map(Batch, images, self._labels[rows].split(size))

    def _share(self, order: Tensor, first: int, end: int) -> Tensor:
        """The rows of batches ``first`` to ``end - 1`` for this process, in order."""
        rank, parts = self._shard
        together = self.batch_size * parts
        rows = order[first * together : end * together]
        whole, rest = rows.split((len(rows) - len(rows) % together, len(rows) % together))
        mine = whole.view(-1, parts, self.batch_size)[:, rank].flatten()
        return torch.cat([mine, rest.tensor_split(parts)[rank]])

    def _stores(self, epoch: int, chunks: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, Tensor]]:
        """For each chunk, images on the device and the indices of its rows among them."""
        if self._single is None:
            yield from map(self.pixels.chosen, chunks)
            return
        for images in self._single.batches(epoch, [rows.cpu().numpy() for rows in chunks]):
            on_device = images.to(self._normalise.device, non_blocking=True)
            yield on_device, torch.arange(len(images), device=on_device.device)


class EvalLoader:
    """Batches of the given rows, in the given order, without augmentation.

    Args:
        pixels: the images to read from.
        labels: int64 ``(n,)``, labels of all images.
        rows: int64 ``(m,)``, the rows to load.
        normalise: applied to whole batches, on the device.
        batch_size: images per batch.
    """

    def __init__(
        self,
        pixels: Pixels,
        labels: NDArray[np.int64],
        rows: NDArray[np.int64],
        normalise: Normalise,
        batch_size: int,
    ) -> None:
        self._pixels = pixels
        self._rows = torch.from_numpy(rows).to(normalise.device)
        self._labels = torch.from_numpy(labels[rows]).to(normalise.device)
        self._normalise = normalise
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._rows) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        size = self.batch_size
        for rows, labels in zip(self._rows.split(size), self._labels.split(size), strict=True):
            store, places = self._pixels.chosen(rows)
            yield Batch(self._normalise(store.index_select(0, places)), labels)


class _SingleImages:
    """Batches of images augmented one by one in worker processes."""

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

    def batches(self, epoch: int, rows: list[NDArray[np.int64]]) -> Iterator[Tensor]:
        """Yield uint8 ``(batch, height, width, 3)`` for each batch of rows."""
        self._plan.epoch, self._plan.batches = epoch, rows
        yield from self._loader


class _EpochPlan:
    """Batch sampler of (epoch, row) pairs, updated every epoch so that workers stay alive."""

    def __init__(self) -> None:
        self.epoch = 0
        self.batches: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for rows in self.batches:
            yield [(self.epoch, int(row)) for row in rows]


class _AugmentedRows(torch.utils.data.Dataset[Tensor]):
    """Returns a whole batch per call: torch's fetcher uses ``__getitems__`` if it exists."""

    def __init__(self, images: NDArray[np.uint8], augment: ImageSteps) -> None:
        self.images = images
        self.augment = augment

    def __getitem__(self, key: tuple[int, int]) -> Tensor:
        return self.__getitems__([key])

    def __getitems__(self, keys: list[tuple[int, int]]) -> Tensor:
        images = self.images[[row for _, row in keys]]
        for position, (epoch, row) in enumerate(keys):
            images[position] = self.augment(images[position], epoch, row)
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
