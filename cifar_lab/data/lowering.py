"""What an augmentation step draws for a whole epoch at once, and does to a whole batch at once.

A lowering stands beside one albumentations step. Its draws come from a table with a row for each
image, so they are a function of (seed, epoch, image) whatever the batch; the step's own ``apply``
and the batch operation take the same draws and give the same pixels.
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

#: Source coordinate of a pixel that lies in a border of zeros.
OUTSIDE = -1


class Lowering(ABC):
    """One step, drawn and applied for many images."""

    #: Uniform numbers that one image needs.
    uniforms: int
    #: Whether the numbers are drawn once for the run instead of once an epoch.
    same_every_epoch = False

    @abstractmethod
    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        """Maps uniform numbers in [0, 1), ``(n, uniforms)``, to what the step does, ``(n, …)``."""

    @abstractmethod
    def original(self, image: NDArray[np.uint8], draw: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The albumentations step itself on one image, uint8 ``(height, width, 3)``, as drawn."""


class Movement(Lowering):
    """A step that moves whole rows and columns of pixels and changes none."""

    #: Whether some coordinates may be ``OUTSIDE``.
    shows_zeros = False

    @abstractmethod
    def coordinates(self, y: Tensor, x: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Where the pixels of the result come from.

        Args:
            y: int64 ``(batch, height)``, the source row of each row of the image before the step.
            x: int64 ``(batch, width)``, likewise for columns.
            draws: int64 ``(batch, …)``.
        """


class Painting(Lowering):
    """A step that changes pixels where they are."""

    @abstractmethod
    def paint(self, images: Tensor, draws: Tensor) -> None:
        """Changes uint8 ``(batch, height, width, 3)`` in place, ``draws`` int64 ``(batch, …)``."""


class Crop(Movement):
    """Draws the window's top and left; a step not taken is the window in the middle."""

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
        """The coordinates that each offset shows: int64 ``(2 padding + 1, length)``."""
        key = (length, device)
        if key not in self._made:
            pad = self.step.padding_pixels
            inside = torch.arange(-pad, length + pad)
            clamped = inside.clamp(0, length - 1)
            if self.step.border == "constant":
                clamped = clamped.masked_fill(clamped != inside, OUTSIDE)
            elif self.step.border == "reflect":
                # About the outermost pixels, again and again where the image is small.
                period = max(2 * (length - 1), 1)
                folded = inside.remainder(period)
                clamped = torch.minimum(folded, period - folded).clamp_max(length - 1)
            self._made[key] = clamped.unfold(0, length, 1).contiguous().to(device)
        return self._made[key]


class Flip(Movement):
    """Draws 1 for images to be mirrored, each with the step's probability."""

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
    """Draws a coin for each image once; every other epoch turns it over."""

    same_every_epoch = True

    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        return ((uniform < 0.5) ^ (epoch % 2 == 1)).astype(np.int64)


class Holes(Painting):
    """Draws up to so many holes as (left, top, right, bottom); an empty one is none."""

    def __init__(self, step: A.CoarseDropout, size: tuple[int, int]) -> None:
        self.step = step
        self.most = step.num_holes_range[1]
        self.uniforms = 2 + 4 * self.most
        self._size = size
        ranges = (step.hole_height_range, step.hole_width_range)
        for bounds, side in zip(ranges, size, strict=True):
            if ranges[0][1] >= 1 and bounds[0] > side:
                raise ValueError(f"holes of {bounds[0]} pixels do not fit images of {side}")
        levels = np.array(step.fill, dtype=np.uint8)  # as albumentations makes them
        #: The filling of a whole line of pixels.
        self._line = torch.from_numpy(np.broadcast_to(levels, (size[1], 3)).flatten())

    def draws(self, uniform: NDArray[np.float64], epoch: int) -> NDArray[np.int64]:
        count = _integers(uniform[:, 1:2], *self.step.num_holes_range)
        taken = (uniform[:, :1] < self.step.p) & (np.arange(self.most) < count)
        height, width, y, x = np.split(uniform[:, 2:], 4, axis=1)
        # As albumentations has it, the heights' upper end says what both ranges' numbers mean.
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
        self._line = self._line.to(images.device)  # a copy the first time only
        rows = torch.arange(height, device=images.device)
        columns = torch.arange(width * channels, device=images.device) // channels
        for hole in range(self.most):
            left, top, right, bottom = draws[:, hole, :, None].unbind(1)
            in_rows = _all_bits((rows >= top) & (rows < bottom))[:, :, None]
            in_columns = _all_bits((columns >= left) & (columns < right))[:, None, :]
            # Bits of the filling where inside, of the image elsewhere: on whole lines of bytes
            # twice as fast as choosing pixels.
            lines.bitwise_xor_((lines ^ self._line) & (in_rows & in_columns))


def lowering(step: A.BasicTransform, size: tuple[int, int]) -> Lowering | None:
    """The lowering of a step for images of a height and width; None where there is none."""
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
    """Whole numbers from ``low`` to ``high``, both included, each as likely."""
    return (low + np.floor(uniform * (high - low + 1))).astype(np.int64)


def _lengths(
    uniform: NDArray[np.float64], bounds: tuple[float, float], side: int, in_pixels: bool
) -> NDArray[np.int64]:
    if in_pixels:
        return _integers(uniform, int(bounds[0]), int(min(bounds[1], side)))
    return (side * (bounds[0] + uniform * (bounds[1] - bounds[0]))).astype(np.int64)


def _all_bits(chosen: Tensor) -> Tensor:
    """255 where chosen, 0 elsewhere, as uint8."""
    return chosen.to(torch.uint8) * 255
