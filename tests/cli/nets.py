"""Networks that the tests of several processes name by their path."""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path

import torch
from torch import Tensor, nn


class Plain(nn.Sequential):
    """Two layers without batch norm: what a batch gives does not depend on who computes it."""

    def __init__(self, *, num_classes: int) -> None:
        super().__init__(
            nn.Conv2d(3, 4, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.LazyLinear(num_classes)
        )
        self(torch.zeros(1, 3, 32, 32))


class Normed(nn.Sequential):
    """With batch norm; a process that follows leaves its weights in ``folder`` when it ends."""

    def __init__(self, *, num_classes: int, folder: str) -> None:
        super().__init__(
            nn.Conv2d(3, 4, 3, stride=4),
            nn.BatchNorm2d(4),
            nn.Flatten(),
            nn.LazyLinear(num_classes),
        )
        self(torch.zeros(1, 3, 32, 32))
        if follows():
            atexit.register(lambda: torch.save(self.state_dict(), Path(folder) / "follower.pt"))


class Lingering(Plain):
    """A process that follows does not end after training."""

    def __init__(self, *, num_classes: int) -> None:
        super().__init__(num_classes=num_classes)
        if follows():
            atexit.register(time.sleep, 600)


class Failing(Plain):
    """Fails in a process that follows, at its third batch."""

    batches = 0

    def forward(self, images: Tensor) -> Tensor:
        self.batches += len(images) > 1
        if follows() and self.batches == 3:
            raise ValueError("three is too many")
        return super().forward(images)


def follows() -> bool:
    return os.environ.get("LOCAL_RANK", "0") != "0"


class Flat(nn.Sequential):
    """Has no map, so that nothing can be shown of it."""

    def __init__(self, *, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * 32 * 32, num_classes))


class BatchNormed(nn.Module):
    """Normalises over the batch, which needs more than one image."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.LazyLinear(4), nn.BatchNorm1d(4), nn.Linear(4, num_classes)
        )
        self.layers(torch.zeros(2, 3, 32, 32))

    def forward(self, images):
        return self.layers(images)
