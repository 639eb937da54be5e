"""Loaders of normalised batches on the device, with reproducible order and augmentation."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_lab.contracts import Sampling
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.mixing import MixedBatch, Mixing
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.data.sampling import balanced
from cifar_lab.data.workers import SingleImages

if TYPE_CHECKING:  # albumentations costs seconds to import
    from cifar_lab.data.batch_augment import AugmentationStack

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
    any number of workers, and differ from epoch to epoch. Balanced sampling may show an image
    several times, so that its augmentation depends on (seed, epoch, place in the epoch). Mixing
    depends on (seed, epoch, index of the batch).

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
        sampling: ``shuffled`` shows every row once; ``balanced`` draws as many rows, with
            replacement, equally many of every class.

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
        sampling: Sampling = "shuffled",
    ) -> None:
        self.rows = dataset.train_indices
        self.sampling = sampling
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
        self._single: SingleImages | None = None
        if stack is not None and len(stack.images):
            pinned = normalise.device.type == "cuda"
            self._single = SingleImages(self.images, stack.images, workers, pinned)

    def __len__(self) -> int:
        """Batches per epoch."""
        return -(-len(self.rows) // (self.batch_size * self._shard.parts))

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The training rows in the order of this epoch."""
        stream = np.random.default_rng((self.seed, epoch))
        if self.sampling == "balanced":
            return balanced(self.rows, self.labels, stream)
        return stream.permutation(self.rows)

    def mixing_stream(self, epoch: int, number: int) -> np.random.Generator:
        """The random stream that mixes batch ``number`` of an epoch."""
        return np.random.default_rng((self.seed, MIXING_STREAM, epoch, number))

    def unaugmented(self, images: int) -> EvalLoader:
        """The first training images, in the data set's order, without augmentation and mixing."""
        rows = self.rows[:images]
        return EvalLoader(self.pixels, self.labels, rows, self._normalise, self.batch_size)

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
        order = torch.from_numpy(self.order(epoch))
        # What an image's augmentation is drawn by: its row, unless it is shown more than once.
        draws = order if self.sampling == "shuffled" else torch.arange(len(order))
        # Several small batches are prepared at once: call overhead dominates small operations.
        together = size * max(CHUNK_IMAGES // size, 1) if self._single is None else size
        rows_of, draws_of = (
            self._share(each, first, end)
            .to(self._normalise.device, non_blocking=True)
            .split(together)
            for each in (order, draws)
        )
        stores = self._stores(epoch, rows_of, draws_of)
        for rows, drawn, (store, places) in zip(rows_of, draws_of, stores, strict=True):
            if self.stack is None:
                augmented = store.index_select(0, places)
            else:
                augmented = self.stack.batches(store, places, epoch, drawn)
            images = self._normalise(augmented).split(size)
            yield from map(Batch, images, self._labels[rows].split(size))

    def _share(self, order: Tensor, first: int, end: int) -> Tensor:
        """The rows of batches ``first`` to ``end - 1`` for this process, in order."""
        (rank, parts), together = self._shard, self.batch_size * self._shard.parts
        rows = order[first * together : end * together]
        whole, rest = rows.split((len(rows) - len(rows) % together, len(rows) % together))
        mine = whole.view(-1, parts, self.batch_size)[:, rank].flatten()
        return torch.cat([mine, rest.tensor_split(parts)[rank]])

    def _stores(
        self, epoch: int, rows: tuple[Tensor, ...], draws: tuple[Tensor, ...]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """For each chunk, images on the device and the indices of its rows among them."""
        if self._single is None:
            yield from map(self.pixels.chosen, rows)
            return
        pairs = zip(rows, draws, strict=True)
        chunks = [torch.stack(pair, dim=1).cpu().numpy() for pair in pairs]
        for images in self._single.batches(epoch, chunks):
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

    Attributes:
        labels: int64 ``(m,)``, of these rows, on the device.
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
        self.labels = torch.from_numpy(labels[rows]).to(normalise.device)
        self._normalise = normalise
        self.batch_size = batch_size

    def of_other_images(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> EvalLoader:
        """The same batch size and normalisation for other images.

        Args:
            images: uint8 ``(n, height, width, 3)``.
            labels: int64 ``(n,)``.
        """
        pixels = Pixels(images, self._normalise.device, resident=False)
        return EvalLoader(pixels, labels, np.arange(len(labels)), self._normalise, self.batch_size)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._rows) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        size = self.batch_size
        for rows, labels in zip(self._rows.split(size), self.labels.split(size), strict=True):
            store, places = self._pixels.chosen(rows)
            yield Batch(self._normalise(store.index_select(0, places)), labels)
