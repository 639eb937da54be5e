"""The augmentation stack: single-image steps in worker processes, then steps on whole batches.

A step runs on whole batches if it and every step after it have a batched form; if all of them do,
no worker processes are needed. Draws and pixels are the same either way.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import albumentations as A
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_lab.data.augment import PlainStep
from cifar_lab.data.batched import OUTSIDE, BatchedForm, Movement, Painting, batched_form
from cifar_lab.refusal import Refusal

if TYPE_CHECKING:  # torchvision loads slowly
    from torchvision.transforms import v2

    from cifar_lab.data.torchvision_step import TorchvisionStep


class AugmentationStack:
    """Named steps in order, split into those run on single images and those run on batches.

    Args:
        steps: transforms of albumentations or torchvision by name, applied in the mapping's order.
        seed: the run's seed.
        images: number of training images, validation included.
        size: height and width of the images in pixels.
        lowered: False runs every step on single images.

    Attributes:
        last_without_batched_form: the last step without a batched form; it and all steps before it
            run image by image. None if every step has one.
    """

    def __init__(
        self,
        steps: Mapping[str, A.BasicTransform | v2.Transform],
        seed: int,
        images: int,
        size: tuple[int, int],
        lowered: bool,
    ) -> None:
        names = list(steps)
        batched_forms = {name: batched_form(step, size) for name, step in steps.items()}
        without = [name for name in names if batched_forms[name] is None]
        self.last_without_batched_form = without[-1] if without else None
        drawn = {
            name: _Drawn(each, name, seed, images) for name, each in batched_forms.items() if each
        }
        first = names.index(without[-1]) + 1 if without else 0
        split = first if lowered else len(names)
        self.images = ImageSteps(
            [drawn.get(name) or _single(steps[name], name, seed) for name in names[:split]]
        )
        self.batches = BatchSteps([drawn[name] for name in names[split:]])

    def described(self, workers: int) -> str:
        """Where the steps run and why, as shown in the run's log."""
        if not len(self.images):
            return "on whole batches"
        where = f"image by image in {workers} worker processes" if workers else "image by image"
        if self.last_without_batched_form is None:
            return f"{where}: batched augmentation is switched off"
        lacking = f"'{self.last_without_batched_form}', which has no batched form"
        rest = ", then on whole batches" if len(self.batches) else ""
        return f"{where} up to {lacking}{rest}"

    def one(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[np.uint8]:
        """Apply all steps to one image, uint8 ``(height, width, 3)``, given its epoch and row."""
        store = torch.from_numpy(self.images(image, epoch, row).copy())[None]
        place = torch.zeros(1, dtype=torch.int64)
        augmented: NDArray[np.uint8] = self.batches(store, place, epoch, place + row)[0].numpy()
        return augmented


class ImageSteps:
    """Steps that run on single images."""

    def __init__(self, steps: Sequence[_Drawn | PlainStep | TorchvisionStep]) -> None:
        self._steps = steps

    def __len__(self) -> int:
        return len(self._steps)

    def __call__(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[np.uint8]:
        """Augment one image.

        Args:
            image: uint8 ``(height, width, 3)``.
            epoch: index of the epoch, from 0.
            row: the image's row among all training images, validation included.

        Returns:
            uint8 ``(height, width, 3)``.

        Raises:
            Refusal: the steps changed the dtype or shape.
        """
        augmented = image
        for step in self._steps:
            augmented = step(augmented, epoch, row)
        if augmented.dtype != np.uint8 or augmented.shape != image.shape:
            raise Refusal(
                f"augmentation.train must return uint8 images of shape {image.shape}, the same as "
                f"its input, but returned {augmented.dtype} of {augmented.shape}; normalisation "
                "runs after its steps, and image size is set with dataset.resize"
            )
        return augmented


class BatchSteps:
    """Steps that run on whole batches, on the images' device.

    Consecutive movements are composed as coordinates first, so that a crop followed by a flip
    moves the pixels only once.
    """

    def __init__(self, steps: Sequence[_Drawn]) -> None:
        self._steps = steps
        #: Alternating movements and paintings; the first list of movements may be empty.
        self._rounds: list[tuple[list[_Drawn], list[_Drawn]]] = [([], [])]
        for step in steps:
            moves = isinstance(step.batched_form, Movement)
            if moves and self._rounds[-1][1]:
                self._rounds.append(([], []))
            self._rounds[-1][0 if moves else 1].append(step)

    def __len__(self) -> int:
        return len(self._steps)

    def __call__(self, images: Tensor, places: Tensor, epoch: int, rows: Tensor) -> Tensor:
        """Select images from a larger store and augment them.

        Args:
            images: uint8 ``(n, height, width, 3)``, not modified.
            places: int64 ``(batch,)`` on the images' device, indices into ``images``.
            epoch: index of the epoch, from 0.
            rows: int64 ``(batch,)`` on the same device, their rows among all training images.

        Returns:
            uint8 ``(batch, height, width, 3)``.
        """
        for movements, paintings in self._rounds:
            images = _moved(
                images, places, [(m.batched_form, m.of(epoch, rows)) for m in movements]
            )
            for painting in paintings:
                assert isinstance(painting.batched_form, Painting)
                painting.batched_form.paint(images, painting.of(epoch, rows))
            places = torch.arange(len(images), device=images.device)
        return images


def _single(
    step: A.BasicTransform | v2.Transform, name: str, seed: int
) -> PlainStep | TorchvisionStep:
    if isinstance(step, A.BasicTransform | A.BaseCompose):
        return PlainStep(step, name, seed)
    from cifar_lab.data.torchvision_step import TorchvisionStep  # torchvision loads slowly

    return TorchvisionStep(step, name, seed)


class _Drawn:
    """A step with its table of draws, one row per image, redrawn when the epoch changes."""

    def __init__(self, batched_form: BatchedForm, name: str, seed: int, images: int) -> None:
        self.batched_form = batched_form
        # By name, not by position: removing a step does not change the draws of the others.
        self._key = (seed, zlib.crc32(name.encode()))
        self._images = images
        self._epoch: int | None = None
        self._table = torch.zeros(0)

    def __call__(self, image: NDArray[np.uint8], epoch: int, row: int) -> NDArray[np.uint8]:
        self._begin(epoch, torch.device("cpu"))
        return self.batched_form.original(image, self._table[row].numpy())

    def of(self, epoch: int, rows: Tensor) -> Tensor:
        """The draws for the given rows: int64 ``(len(rows), …)``, on their device."""
        self._begin(epoch, rows.device)
        return self._table[rows]

    def _begin(self, epoch: int, device: torch.device) -> None:
        if epoch == self._epoch and device == self._table.device:
            return
        entropy = self._key if self.batched_form.same_every_epoch else (*self._key, epoch)
        stream = np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))
        # Row by row: an image's draws do not depend on the number of images.
        uniform = stream.random((self._images, self.batched_form.uniforms))
        self._table = torch.from_numpy(self.batched_form.draws(uniform, epoch)).to(device)
        self._epoch = epoch


def _moved(
    images: Tensor, places: Tensor, movements: Sequence[tuple[BatchedForm, Tensor]]
) -> Tensor:
    """Select images and apply all movements as a single gather."""
    if not movements:
        return images.index_select(0, places)
    height, width, channels = images.shape[1:]
    sides = (torch.arange(side, device=images.device) for side in (height, width))
    y, x = (side.expand(len(places), -1) for side in sides)
    for movement, draws in movements:
        assert isinstance(movement, Movement)
        y, x = movement.coordinates(y, x, draws)
    # Rows are selected from the store as lines of bytes, and columns as bytes of those lines:
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
