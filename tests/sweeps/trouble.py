"""A criterion that does to its process what is asked of it, once, while it trains."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from torch import Tensor, nn

#: Checks of the parts use smaller batches.
A_TRAINING_BATCH = 32


class Trouble(nn.CrossEntropyLoss):
    """Fails, exits or is killed in its first training batch, unless it was before.

    Args:
        kind: ``none``, ``fail``, ``exit``, ``kill``, or ``wait``, which only takes its time.
        folder: where it notes that it was.
    """

    def __init__(self, kind: str, folder: str) -> None:
        super().__init__()
        self.kind, self.folder = kind, Path(folder)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        if len(logits) >= A_TRAINING_BATCH and logits.requires_grad:
            if self.kind == "wait":
                time.sleep(0.2)
            elif self.kind != "none" and not (self.folder / self.kind).exists():
                (self.folder / self.kind).touch()
                self._strike()
        return super().forward(logits, labels)

    def _strike(self) -> None:
        if self.kind == "fail":
            raise ValueError("asked to fail")
        if self.kind == "exit":
            sys.exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
