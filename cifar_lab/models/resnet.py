"""ResNet18 with a 3×3 stride-1 stem for 32×32 images, and its variant that stays at 8×8.

He et al., Deep Residual Learning for Image Recognition, 2015 (https://arxiv.org/abs/1512.03385).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cifar_lab.bounds import PositiveInt
from cifar_lab.models.blocks import ResidualSum


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut: ``ReLU(shortcut(x) + branch(x))``."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.sum = ResidualSum()
        # Captum's guided methods need a separate module for every ReLU, not in place.
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map float ``(batch, in, h, w)`` to ``(batch, out, h/stride, w/stride)``."""
        return self.relu(self.sum(self.shortcut(x), self.branch(x)))


class ResNet18(nn.Module):
    """ResNet18 for small images; 11,173,962 parameters for ten classes.

    Args:
        num_classes: number of classes.
        last_stride: stride of the fourth stage: with 32×32 images, 2 ends at 4×4 and 1 at 8×8.
        pooled_size: side of the average-pooled map that feeds the linear layer: 1 for the plain
            network; 2 (with ``last_stride=1``) for the 8×8 variant of 11,189,322 parameters.
    """

    #: Layers worth explaining, shallow to deep: each stage, after its last residual sum and ReLU.
    explainable_layers = ("layer1", "layer2", "layer3", "layer4")

    def __init__(
        self, num_classes: int, last_stride: PositiveInt, pooled_size: PositiveInt
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        self.layer1 = _stage(64, 64, stride=1)
        self.layer2 = _stage(64, 128, stride=2)
        self.layer3 = _stage(128, 256, stride=2)
        self.layer4 = _stage(256, 512, stride=last_stride)
        self.pool = nn.AdaptiveAvgPool2d(pooled_size)
        self.head = nn.Linear(512 * pooled_size**2, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, float ``(batch, 3, 32, 32)``, to logits, float ``(batch, num_classes)``."""
        x = self.layer1(self.stem(images))  # (batch, 64, 32, 32)
        x = self.layer2(x)  # (batch, 128, 16, 16)
        x = self.layer3(x)  # (batch, 256, 8, 8)
        x = self.layer4(x)  # (batch, 512, 4, 4), or 8×8 with last_stride=1
        return self.head(torch.flatten(self.pool(x), 1))


def _stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        BasicBlock(in_channels, out_channels, stride), BasicBlock(out_channels, out_channels, 1)
    )
