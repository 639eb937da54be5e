"""The augmentation stack: its first steps on single images in workers, its rest on whole batches.

A step runs on batches where it, and every step after it, has a lowering; where none is missing,
nothing is left for workers. Either way the draws and the pixels are the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import albumentations as A
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_lab.data.augment import PlainStep
from cifar_lab.data.lowering import OUTSIDE, Lowering, Movement, Painting, lowering
from cifar_lab.refusal import Refusal


class AugmentationStack:
    """Named steps in order, divided into those for single images and those for batches.

    Args:
        steps: albumentations transforms by name, applied in the mapping's order.
        seed: the run's seed.
        images: rows of training images, validation included.
        size: height and width of the images in pixels.
        lowered: False leaves every step to single images.

    Attributes:
        last_without_lowering: the step up to which images are augmented one by one because it has
            no lowering; None where every step has one.
    """

    def __init__(
        self,
        steps: Mapping[str, A.BasicTransform],
        seed: int,
        images: int,
        size: tuple[int, int],
        lowered: bool,
    ) -> None:
        names = list(steps)
        lowerings = {name: lowering(step, size) for name, step in steps.items()}
        without = [name for name in names if lowerings[name] is None]
        self.last_without_lowering = without[-1] if without else None
        drawn = {name: _Drawn(each, name, seed, images) for name, each in lowerings.items() if each}
        first = names.index(without[-1]) + 1 if without else 0
        split = first if lowered else len(names)
        self.images = ImageSteps(
            [drawn.get(name) or PlainStep(steps[name], name, seed) for name in names[:split]]
        )
        self.batches = BatchSteps([drawn[name] for name in names[split:]])

    def described(self, workers: int) -> str:
        """Where the steps run and why there, as a run says it."""
        if not len(self.images):
            return "on whole batches"
        where = f"image by image in {workers} workers" if workers else "image by image"
        if self.last_without_lowering is None:
            return f"{where}: switched off on whole batches"
        lacking = f"'{self.last_without_lowering}', which has no form for whole batches"
        rest = ", then on whole batches" if len(self.batches) else ""
        return f"{where} up to {lacking}{rest}"

    def one(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[np.uint8]:
        """All steps on one image, uint8 ``(height, width, 3)``, of a row in an epoch."""
        store = torch.from_numpy(self.images(image, epoch, row).copy())[None]
        place = torch.zeros(1, dtype=torch.int64)
        augmented: NDArray[np.uint8] = self.batches(store, place, epoch, place + row)[0].numpy()
        return augmented


class ImageSteps:
    """Steps on one image after another."""

    def __init__(self, steps: Sequence[_Drawn | PlainStep]) -> None:
        self._steps = steps

    def __len__(self) -> int:
        return len(self._steps)

    def __call__(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[np.uint8]:
        """Augments one image.

        Args:
            image: uint8 ``(height, width, 3)``.
            epoch: number of the epoch, from 0.
            row: the image's row among all training images, validation included.

        Returns:
            uint8 ``(height, width, 3)``.

        Raises:
            Refusal: the steps gave another dtype or shape.
        """
        augmented = image
        for step in self._steps:
            augmented = step(augmented, epoch, row)
        if augmented.dtype != np.uint8 or augmented.shape != image.shape:
            raise Refusal(
                f"augmentation.train must give uint8 images of {image.shape} as it gets them, "
                f"but gave {augmented.dtype} of {augmented.shape}; normalisation comes after its "
                "steps, and sizes are set with dataset.resize"
            )
        return augmented


class BatchSteps:
    """Steps on whole batches, on the device that the images are on.

    Movements that follow each other are composed as coordinates first, so that the pixels of a
    crop and a flip move once.
    """

    def __init__(self, steps: Sequence[_Drawn]) -> None:
        self._steps = steps
        #: Movements, then paintings, again and again; the first movements may be none.
        self._rounds: list[tuple[list[_Drawn], list[_Drawn]]] = [([], [])]
        for step in steps:
            moves = isinstance(step.lowering, Movement)
            if moves and self._rounds[-1][1]:
                self._rounds.append(([], []))
            self._rounds[-1][0 if moves else 1].append(step)

    def __len__(self) -> int:
        return len(self._steps)

    def __call__(self, images: Tensor, places: Tensor, epoch: int, rows: Tensor) -> Tensor:
        """Takes images out of a larger store, augmented.

        Args:
            images: uint8 ``(n, height, width, 3)``, left as they are.
            places: int64 ``(batch,)`` on the images' device, which of them.
            epoch: number of the epoch, from 0.
            rows: int64 ``(batch,)`` on the same device, their rows among all training images.

        Returns:
            uint8 ``(batch, height, width, 3)``.
        """
        for movements, paintings in self._rounds:
            images = _moved(images, places, [(m.lowering, m.of(epoch, rows)) for m in movements])
            for painting in paintings:
                assert isinstance(painting.lowering, Painting)
                painting.lowering.paint(images, painting.of(epoch, rows))
            places = torch.arange(len(images), device=images.device)
        return images


class _Drawn:
    """A step with its table of draws, a row for each image, made anew when the epoch changes."""

    def __init__(self, lowering: Lowering, name: str, seed: int, images: int) -> None:
        self.lowering = lowering
        # By name, not by position: taking a step away leaves the draws of the others.
        self._key = (seed, zlib.crc32(name.encode()))
        self._images = images
        self._epoch: int | None = None
        self._table = torch.zeros(0)

    def __call__(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[np.uint8]:
        self._begin(epoch, torch.device("cpu"))
        return self.lowering.original(image, self._table[row].numpy())

    def of(self, epoch: int, rows: Tensor) -> Tensor:
        """The draws of some rows: int64 ``(len(rows), …)``, on their device."""
        self._begin(epoch, rows.device)
        return self._table[rows]

    def _begin(self, epoch: int, device: torch.device) -> None:
        if epoch == self._epoch and device == self._table.device:
            return
        entropy = self._key if self.lowering.same_every_epoch else (*self._key, epoch)
        stream = np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))
        # Row by row: the draws of an image do not depend on how many there are.
        uniform = stream.random((self._images, self.lowering.uniforms))
        self._table = torch.from_numpy(self.lowering.draws(uniform, epoch)).to(device)
        self._epoch = epoch


def _moved(images: Tensor, places: Tensor, movements: Sequence[tuple[Lowering, Tensor]]) -> Tensor:
    """The chosen images with their pixels moved, by way of one pair of coordinates."""
    if not movements:
        return images.index_select(0, places)
    height, width, channels = images.shape[1:]
    sides = (torch.arange(side, device=images.device) for side in (height, width))
    y, x = (side.expand(len(places), -1) for side in sides)
    for movement, draws in movements:
        assert isinstance(movement, Movement)
        y, x = movement.coordinates(y, x, draws)
    # Rows are taken out of the store as lines of bytes, and columns as bytes out of these lines:
    # four times as fast on a CPU as indexing pixels.
    lines = places[:, None] * height + y.clamp_min(0)
    picked = images.reshape(-1, width * channels).index_select(0, lines.flatten())
    of_pixel = x.clamp_min(0)[:, :, None] * channels
    byte = (of_pixel + torch.arange(channels, device=x.device)).flatten(1)[:, None]
    moved = picked.view(len(places), height, -1).gather(2, byte.expand(-1, height, -1))
    if any(movement.shows_zeros for movement, _ in movements if isinstance(movement, Movement)):
        moved.masked_fill_((y == OUTSIDE)[:, :, None], 0)
        moved.masked_fill_((x == OUTSIDE).repeat_interleave(channels, 1)[:, None], 0)
    return moved.view(len(places), height, width, channels)
