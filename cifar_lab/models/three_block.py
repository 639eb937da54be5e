"""The three-block convnet of speedruns, after Keller Jordan's airbench.

https://arxiv.org/abs/2404.00498; https://github.com/KellerJordan/cifar10-airbench
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from cifar_lab.bounds import Fraction, PositiveFloat, PositiveInt
from cifar_lab.models.whitening import WhitenedConv

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}
#: Side of the whitened patches in pixels.
PATCH_SIDE = 2


class _Norm(nn.BatchNorm2d):
    """Batch norm with a bias but no scale, because the next convolution could undo a scale."""

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__(channels, eps=1e-12, momentum=momentum)
        self.weight.requires_grad_(False)


class Block(nn.Module):
    """conv → max pool 2 → norm → activation → conv → norm → activation.

    Maps float ``(batch, in_channels, h, w)`` to ``(batch, out_channels, h // 2, w // 2)``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, activation: type[nn.Module], momentum: float
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _passing_conv(in_channels, out_channels),
            nn.MaxPool2d(2),
            _Norm(out_channels, momentum),
            activation(),
            _passing_conv(out_channels, out_channels),
            _Norm(out_channels, momentum),
            activation(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class ThreeBlockConvNet(nn.Module):
    """A whitening first layer, three blocks, a max pool and a linear head without bias.

    Args:
        num_classes: number of classes.
        widths: channels of the three blocks.
        activation: ``gelu`` or ``relu``.
        norm_momentum: weight of a batch in the running statistics; short runs need a large one.
        logit_scale: factor applied to the logits; None for 1 / channels of the last block.
    """

    #: Layers worth explaining, shallow to deep.
    explainable_layers = ("block1", "block2", "block3")

    def __init__(
        self,
        num_classes: int,
        widths: tuple[PositiveInt, PositiveInt, PositiveInt],
        activation: Literal["gelu", "relu"],
        norm_momentum: Fraction,
        logit_scale: PositiveFloat | None,
    ) -> None:
        super().__init__()
        kind = ACTIVATIONS[activation]
        first, second, third = widths
        self.whitening = WhitenedConv(PATCH_SIDE)
        self.activation = kind()
        self.block1 = Block(self.whitening.out_channels, first, kind, norm_momentum)
        self.block2 = Block(first, second, kind, norm_momentum)
        self.block3 = Block(second, third, kind, norm_momentum)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(third, num_classes, bias=False)
        with torch.no_grad():
            self.head.weight.div_(self.head.weight.std())
        self.logit_scale = 1 / third if logit_scale is None else logit_scale

    def initialise(self, images: Tensor) -> None:
        """Compute the whitening layer from normalised images, float32 ``(n, 3, h, w)``."""
        self.whitening.initialise(images)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, float ``(batch, 3, 32, 32)``, to logits, float ``(batch, num_classes)``."""
        x = self.activation(self.whitening(images))  # (batch, 24, 31, 31)
        x = self.block1(x)  # (batch, widths[0], 15, 15)
        x = self.block2(x)  # (batch, widths[1], 7, 7)
        x = self.block3(x)  # (batch, widths[2], 3, 3)
        return self.head(torch.flatten(self.pool(x), 1)) * self.logit_scale


def _passing_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3×3 convolution whose first output channels are initialised to pass its inputs through."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    with torch.no_grad():
        passed = min(in_channels, out_channels)
        nn.init.dirac_(conv.weight[:passed])
    return conv
