"""Batched forms of augmentation steps: draws for a whole epoch, operations on a whole batch.

Each batched form belongs to one albumentations step. Its draws come from a table with one row per
image, so they depend on (seed, epoch, image) and not on the batch; the step's own ``apply`` and the
batch operation use the same draws and produce the same pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import albumentations as A
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_lab.data.augment import AlternatingFlip, PadAndCrop

#: Source coordinate of a pixel in a border of zeros.
OUTSIDE = -1


class BatchedForm(ABC):
    """One augmentation step, drawn and applied for many images at once."""

    #: Uniform random numbers needed per image.
    uniforms: int
    #: Whether the numbers are drawn once per run instead of once per epoch.
    same_every_epoch = False

    @abstractmethod
    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        """Map uniform numbers in [0, 1), ``(n, uniforms)``, to the step's draws, ``(n, …)``."""

    @abstractmethod
    def original(self, image: NDArray[np.uint8], draw: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Apply the albumentations step itself to one image, uint8 ``(height, width, 3)``."""


class Movement(BatchedForm):
    """A step that moves whole rows and columns of pixels without changing their values."""

    #: Whether some coordinates may be ``OUTSIDE``.
    shows_zeros = False

    @abstractmethod
    def coordinates(self, y: Tensor, x: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Source coordinates of the result's pixels.

        Args:
            y: int64 ``(batch, height)``, the source row of each row of the image before the step.
            x: int64 ``(batch, width)``, likewise for columns.
            draws: int64 ``(batch, …)``.
        """


class Painting(BatchedForm):
    """A step that changes pixel values in place."""

    @abstractmethod
    def paint(self, images: Tensor, draws: Tensor) -> None:
        """Modify uint8 ``(batch, height, width, 3)`` in place; ``draws``: int64 ``(batch, …)``."""


class Crop(Movement):
    """Draws the window's top and left; an image that is not cropped gets the centre window."""

    uniforms = 3

    def __init__(self, step: PadAndCrop) -> None:
        self.step = step
        self.shows_zeros = step.border == "constant"
        self._made: dict[tuple[int, torch.device], Tensor] = {}

    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        pad = self.step.padding_pixels
        offsets = _integers(uniform[:, 1:], 0, 2 * pad)
        return np.where(uniform[:, :1] < self.step.p, offsets, pad)

    def original(self, image: NDArray[np.uint8], draw: NDArray[np.int64]) -> NDArray[np.uint8]:
        return self.step.apply(image, top=int(draw[0]), left=int(draw[1]))

    def coordinates(self, y: Tensor, x: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        return self._shifted(y, draws[:, 0]), self._shifted(x, draws[:, 1])

    def _shifted(self, source: Tensor, offsets: Tensor) -> Tensor:
        inside = self._windows(source.shape[1], source.device).index_select(0, offsets)
        shifted = source.gather(1, inside.clamp_min(0))
        return shifted.masked_fill_(inside == OUTSIDE, OUTSIDE) if self.shows_zeros else shifted

    def _windows(self, length: int, device: torch.device) -> Tensor:
        """Source coordinates for each offset: int64 ``(2 padding + 1, length)``."""
        key = (length, device)
        if key not in self._made:
            pad = self.step.padding_pixels
            inside = torch.arange(-pad, length + pad)
            clamped = inside.clamp(0, length - 1)
            if self.step.border == "constant":
                clamped = clamped.masked_fill(clamped != inside, OUTSIDE)
            elif self.step.border == "reflect":
                # Reflects at the outermost pixels, repeatedly if the image is small.
                period = max(2 * (length - 1), 1)
                folded = inside.remainder(period)
                clamped = torch.minimum(folded, period - folded).clamp_max(length - 1)
            self._made[key] = clamped.unfold(0, length, 1).contiguous().to(device)
        return self._made[key]


class Flip(Movement):
    """Draws 1 for each image to be mirrored, with the step's probability."""

    uniforms = 1

    def __init__(self, step: A.HorizontalFlip) -> None:
        self.step = step

    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        return (uniform < self.step.p).astype(np.int64)

    def original(self, image: NDArray[np.uint8], draw: NDArray[np.int64]) -> NDArray[np.uint8]:
        mirrored: NDArray[np.uint8] = self.step.apply(image)
        return mirrored if draw[0] else image

    def coordinates(self, y: Tensor, x: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        return y, torch.where(draws.bool(), x.flip(1), x)


class Alternation(Flip):
    """Tosses a coin for each image once per run; every other epoch inverts the result."""

    same_every_epoch = True

    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        return ((uniform < 0.5) ^ (epoch % 2 == 1)).astype(np.int64)


class Holes(Painting):
    """Draws holes as (left, top, right, bottom); an empty rectangle means no hole."""

    def __init__(self, step: A.CoarseDropout, size: tuple[int, int]) -> None:
        self.step = step
        self.most = step.num_holes_range[1]
        self.uniforms = 2 + 4 * self.most
        self._size = size
        ranges = (step.hole_height_range, step.hole_width_range)
        for bounds, side in zip(ranges, size, strict=True):
            if ranges[0][1] >= 1 and bounds[0] > side:
                raise ValueError(f"holes of {bounds[0]} pixels do not fit images of {side}")
        levels = np.array(step.fill, dtype=np.uint8)  # the same conversion as in albumentations
        #: The fill value of a whole line of pixels.
        self._line = torch.from_numpy(np.broadcast_to(levels, (size[1], 3)).flatten())

    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        count = _integers(uniform[:, 1:2], *self.step.num_holes_range)
        taken = (uniform[:, :1] < self.step.p) & (np.arange(self.most) < count)
        height, width, y, x = np.split(uniform[:, 2:], 4, axis=1)
        # As in albumentations, the upper height decides whether both ranges are in pixels.
        in_pixels = self.step.hole_height_range[1] >= 1
        heights = _lengths(height, self.step.hole_height_range, self._size[0], in_pixels)
        widths = _lengths(width, self.step.hole_width_range, self._size[1], in_pixels)
        top = _integers(y, 0, self._size[0] - heights)
        left = _integers(x, 0, self._size[1] - widths)
        holes = np.stack([left, top, left + widths, top + heights], axis=-1)
        return np.where(taken[..., None], holes, 0)

    def original(self, image: NDArray[np.uint8], draw: NDArray[np.int64]) -> NDArray[np.uint8]:
        holes = draw[(draw[:, 2] > draw[:, 0]) & (draw[:, 3] > draw[:, 1])]
        dropped: NDArray[np.uint8] = self.step.apply(image, holes=holes, seed=0)
        return dropped

    def paint(self, images: Tensor, draws: Tensor) -> None:
        batch, height, width, channels = images.shape
        lines = images.view(batch, height, width * channels)
        self._line = self._line.to(images.device)  # copies only the first time
        rows = torch.arange(height, device=images.device)
        columns = torch.arange(width * channels, device=images.device) // channels
        for hole in range(self.most):
            left, top, right, bottom = draws[:, hole, :, None].unbind(1)
            in_rows = _all_bits((rows >= top) & (rows < bottom))[:, :, None]
            in_columns = _all_bits((columns >= left) & (columns < right))[:, None, :]
            # Fill bits inside the hole, image bits elsewhere: on whole lines of bytes, twice as
            # fast as selecting pixels.
            lines.bitwise_xor_((lines ^ self._line) & (in_rows & in_columns))


def batched_form(step: A.BasicTransform, size: tuple[int, int]) -> BatchedForm | None:
    """The batched form of a step for images of this height and width, or None."""
    if type(step) is PadAndCrop:
        return Crop(step)
    if type(step) is AlternatingFlip:
        return Alternation(step)
    if type(step) is A.HorizontalFlip:
        return Flip(step)
    if type(step) is A.CoarseDropout and not isinstance(step.fill, str):
        return Holes(step, size)
    return None


def _integers(uniform: NDArray[np.float64], low: Any, high: Any) -> NDArray[np.int64]:
    """Uniformly distributed integers from ``low`` to ``high``, both inclusive."""
    return (low + np.floor(uniform * (high - low + 1))).astype(np.int64)


def _lengths(
    uniform: NDArray[np.float64], bounds: tuple[float, float], side: int, in_pixels: bool
) -> NDArray[np.int64]:
    if in_pixels:
        return _integers(uniform, int(bounds[0]), int(min(bounds[1], side)))
    return (side * (bounds[0] + uniform * (bounds[1] - bounds[0]))).astype(np.int64)


def _all_bits(chosen: Tensor) -> Tensor:
    """255 where ``chosen`` is true, 0 elsewhere, as uint8."""
    return chosen.to(torch.uint8) * 255
