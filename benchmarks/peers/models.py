"""Networks that both sides train, in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ThreeBlocks(nn.Module):
    """Three blocks of conv, pool, norm, GELU, conv, norm, GELU; unwhitened.

    After airbench (https://github.com/KellerJordan/cifar10-airbench), with default settings.

    Args:
        num_classes: number of logits per image.
        widths: channels of the blocks.
    """

    def __init__(self, num_classes: int, widths: tuple[int, int, int] = (32, 96, 96)) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 2), nn.GELU())
        inputs = (24, *widths[:2])
        self.blocks = nn.Sequential(*map(_block, inputs, widths))
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(widths[2], num_classes, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Maps images, float ``(batch, 3, 32, 32)``, to logits, float ``(batch, num_classes)``."""
        x = self.stem(images)  # (batch, 24, 31, 31)
        x = self.blocks(x)  # (batch, 96, 3, 3)
        return self.head(torch.flatten(self.pool(x), 1)) / 9


def tiny(num_classes: int) -> nn.Module:
    """A network so small that a step is all overhead: images ``(batch, 3, 8, 8)`` to logits."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 4 * 4, num_classes),
    )


def _block(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(outputs),
        nn.GELU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.GELU(),
    )
