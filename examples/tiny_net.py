"""A small network, and all that the lab needs to know of it."""

from __future__ import annotations

from torch import Tensor, nn


class TinyNet(nn.Sequential):
    """Three convolutions, an average over the map, and a linear head.

    Args:
        num_classes: the lab supplies it.
        width: of the first convolution; the YAML file gives it.
    """

    def __init__(self, num_classes: int, width: int) -> None:
        super().__init__(
            _block(3, width, stride=1),
            _block(width, 2 * width, stride=2),
            _block(2 * width, 4 * width, stride=2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4 * width, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Turn float ``(batch, 3, height, width)`` into logits ``(batch, num_classes)``."""
        logits: Tensor = super().forward(images)
        return logits


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
