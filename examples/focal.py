"""A loss of one's own."""

from __future__ import annotations

from torch import Tensor, nn


class FocalLoss(nn.Module):
    """Cross entropy that weighs down what the network is already sure of.

    Lin et al., https://arxiv.org/abs/1708.02002, equation 4.

    Args:
        gamma: zero is cross entropy.
    """

    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Turn logits ``(batch, classes)`` and int64 labels ``(batch,)`` into the mean loss."""
        log_probability = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
        return (-((1 - log_probability.exp()) ** self.gamma) * log_probability).mean()
