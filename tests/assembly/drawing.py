"""Parts that configurations of the tests name: they count, and draw from every random state."""

from __future__ import annotations

import random

import torch
from torch import Tensor, nn

#: What was made, in order.
MADE: list[str] = []


class Net(nn.Sequential):
    """A network for images of any size; its width is drawn, too."""

    def __init__(self, *, num_classes: int) -> None:
        MADE.append("model")
        width = random.randint(3, 6)
        super().__init__(
            nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5),
            nn.Linear(width, num_classes),
        )  # fmt: skip


class SizedNet(nn.Sequential):
    """A network for images of one size."""

    def __init__(self, *, num_classes: int, image_size: tuple[int, int]) -> None:
        MADE.append("model")
        height, width = image_size
        super().__init__(nn.Flatten(), nn.Linear(3 * height * width, num_classes))


class Broken(nn.Module):
    """A network that cannot be built."""

    def __init__(self, *, num_classes: int) -> None:
        MADE.append("model")
        raise ValueError(f"not with {num_classes} classes")


class ScaledCrossEntropy(nn.CrossEntropyLoss):
    """A criterion with a scale that is drawn."""

    def __init__(self) -> None:
        MADE.append("criterion")
        super().__init__()
        self.scale = torch.rand(()) + random.random()

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        return super().forward(logits, labels) * self.scale
