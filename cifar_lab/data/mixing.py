"""Mixing the images of a batch in pairs: mixup and CutMix.

An image's partner is the one before it in the batch, as in torchvision: since epochs are shuffled,
neighbours are a random pair. If the drawn weight is below one half, image and partner swap roles:
the first label is always that of the larger part.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cifar_lab.bounds import PositiveFloat, UnitInterval


class MixedBatch(NamedTuple):
    """A batch of images, each mixed from two, on the device.

    Attributes:
        images: float32 or bfloat16 ``(batch, 3, height, width)``, normalised, then mixed.
        labels: int64 ``(batch,)``, of the larger part; training accuracy is measured against them.
        partners: int64 ``(batch,)``, labels of the smaller part.
        weight: float32 ``()``, share of the larger part, 0.5 to 1, the same for the whole batch.
    """

    images: Tensor
    labels: Tensor
    partners: Tensor
    weight: Tensor


def no_mixing() -> None:
    """No mixing: batches are left unchanged."""


class Mixing(ABC):
    """A way to mix each image of a batch with its partner.

    Args:
        alpha: weights are drawn from Beta(alpha, alpha): 1 is uniform, smaller values stay closer
            to the original images.
        p: probability of mixing a batch; other batches keep their images, with weight 1.
    """

    def __init__(self, alpha: PositiveFloat, p: UnitInterval) -> None:
        self.alpha = alpha
        self.p = p

    def __call__(self, images: Tensor, labels: Tensor, stream: np.random.Generator) -> MixedBatch:
        """Mix a batch.

        Args:
            images: float ``(batch, 3, height, width)``, modified in place.
            labels: int64 ``(batch,)``.
            stream: random generator for this batch.
        """
        weight, partners = 1.0, labels
        if stream.random() < self.p:
            weight = self.mix(images, float(stream.beta(self.alpha, self.alpha)), stream)
            partners = labels.roll(1)
        if weight < 0.5:
            labels, partners, weight = partners, labels, 1 - weight
        # Filled on the device: copying a tensor there would synchronise with it.
        return MixedBatch(images, labels, partners, torch.full((), weight, device=images.device))

    @abstractmethod
    def mix(self, images: Tensor, weight: float, stream: np.random.Generator) -> float:
        """Mix images in place, keeping about ``weight`` of each; return the exact share kept."""


class Mixup(Mixing):
    """Weighted sums of two images (https://arxiv.org/abs/1710.09412)."""

    def mix(self, images: Tensor, weight: float, stream: np.random.Generator) -> float:
        images.lerp_(images.roll(1, 0), 1 - weight)
        return weight


class CutMix(Mixing):
    """A box of one image pasted into another (https://arxiv.org/abs/1905.04899).

    The box has the image's aspect ratio and the drawn share of its area; its centre is uniform over
    all pixels. It is clipped to the image, and the weight is computed from the clipped box.
    """

    def mix(self, images: Tensor, weight: float, stream: np.random.Generator) -> float:
        height, width = images.shape[2:]
        columns, rows = (_span(side, weight, stream) for side in (width, height))
        box = images[:, :, rows, columns]
        box.copy_(box.roll(1, 0))
        return 1 - box.shape[2] * box.shape[3] / (height * width)


def _span(side: int, weight: float, stream: np.random.Generator) -> slice:
    """The pixels that a box covers along one side, rounded as in the paper's own code."""
    half = int(side * np.sqrt(1 - weight)) // 2
    centre = int(stream.integers(side))
    return slice(max(centre - half, 0), min(centre + half, side))
