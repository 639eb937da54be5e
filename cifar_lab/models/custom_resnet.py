"""The custom ResNet of the course studies: a variant of David C. Page's nine-layer ResNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cifar_lab.bounds import PositiveInt
from cifar_lab.models.blocks import ResidualSum


class ConvBlock(nn.Sequential):
    """conv 3×3 → [max pool 2] → batch norm → ReLU.

    Maps float ``(batch, in_channels, h, w)`` to ``(batch, out_channels, h, w)``,
    or to half the height and width with ``pool``.
    """

    def __init__(self, in_channels: int, out_channels: int, pool: bool = False) -> None:
        layers: list[nn.Module] = [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)]
        if pool:
            layers.append(nn.MaxPool2d(2))
        layers += [nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)


class ResidualStage(nn.Module):
    """A pooling block, then ``x + block(block(x))``, with nothing after the sum.

    Maps float ``(batch, in_channels, h, w)`` to ``(batch, out_channels, h/2, w/2)``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.down = ConvBlock(in_channels, out_channels, pool=True)
        self.branch = nn.Sequential(
            ConvBlock(out_channels, out_channels), ConvBlock(out_channels, out_channels)
        )
        self.sum = ResidualSum()

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        return self.sum(x, self.branch(x))


class CustomResNet(nn.Module):
    """The custom ResNet; 6,573,120 parameters with ``width=64`` and ten classes.

    Args:
        num_classes: number of classes.
        width: channels of the first block; the stages have two, four and eight times as many.

    Source: https://github.com/davidcpage/cifar10-fast (the backbone).
    """

    #: Layers worth explaining, shallow to deep; residual stages are represented by their sum.
    explainable_layers = ("stem", "layer1.sum", "layer2", "layer3.sum")

    def __init__(self, num_classes: int, width: PositiveInt) -> None:
        super().__init__()
        self.stem = ConvBlock(3, width)
        self.layer1 = ResidualStage(width, 2 * width)
        self.layer2 = ConvBlock(2 * width, 4 * width, pool=True)
        self.layer3 = ResidualStage(4 * width, 8 * width)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(8 * width, num_classes, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, float ``(batch, 3, 32, 32)``, to logits, float ``(batch, num_classes)``."""
        x = self.stem(images)  # (batch, width, 32, 32)
        x = self.layer1(x)  # (batch, 2 width, 16, 16)
        x = self.layer2(x)  # (batch, 4 width, 8, 8)
        x = self.layer3(x)  # (batch, 8 width, 4, 4)
        return self.head(torch.flatten(self.pool(x), 1))
