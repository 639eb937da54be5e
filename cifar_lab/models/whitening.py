"""A first layer that decorrelates pixels, computed from training images instead of learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Added to the eigenvalues, so that directions with almost no variance are not amplified.
EPSILON = 5e-4


class WhitenedConv(nn.Conv2d):
    """A convolution with the principal directions of image patches, scaled to unit variance.

    Maps float ``(batch, 3, h, w)`` to ``(batch, 6 side², h - side + 1, w - side + 1)``: each
    direction and its negative, so that a subsequent activation loses nothing. The weights are
    fixed and the bias is learned; :meth:`initialise` computes the weights
    (https://arxiv.org/abs/2404.00498, section 3.2, after
    https://github.com/tysam-code/hlb-CIFAR10).

    Args:
        side: side of the patches in pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__(3, 6 * side**2, side)
        self.weight.requires_grad_(False)
        self.bias = nn.Parameter(torch.zeros(6 * side**2))

    @torch.no_grad()
    def initialise(self, images: Tensor) -> None:
        """Compute the weights.

        Args:
            images: float32 ``(n, 3, height, width)``, normalised; a few thousand are enough.
        """
        side = self.kernel_size[0]
        patches = images.unfold(2, side, 1).unfold(3, side, 1).permute(0, 2, 3, 1, 4, 5)
        rows = patches.reshape(-1, 3 * side**2).double()  # (patches, 3 side²)
        values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
        directions = (vectors / (values + EPSILON).sqrt()).T.flip(0)  # largest variance first
        kernels = directions.reshape(-1, 3, side, side)
        self.weight.copy_(torch.cat([kernels, -kernels]))
