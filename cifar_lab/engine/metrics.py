"""Loss and accuracy, gathered on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossAndAccuracy:
    """Averages over samples, not over batches.

    Attributes:
        loss: mean criterion; nats for cross entropy.
        accuracy: share of samples whose largest logit is the label's, 0 to 1.
        count: samples averaged over.
    """

    loss: float
    accuracy: float
    count: int


class RunningMetrics:
    """Sums of loss and hits that never wait for the device until :meth:`result` is asked for.

    Args:
        device: where batches come from.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.count = 0
        # float64 sums: 50,000 float32 additions would lose the fourth digit.
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._first_bad_step = torch.full((), -1, dtype=torch.int64, device=device)
        self._glimpse = _Glimpse(device)

    def update(self, loss: Tensor, logits: Tensor, labels: Tensor, step: int) -> None:
        """Adds a batch.

        Args:
            loss: float ``()``, mean over the batch.
            logits: float ``(batch, classes)``.
            labels: int64 ``(batch,)``.
            step: remembered, on the device, if it is the first whose loss is not finite.
        """
        loss, logits = loss.detach(), logits.detach()
        self.count += len(labels)
        self._loss_sum += loss.double() * len(labels)
        self._hits += (logits.argmax(1) == labels).sum()
        first = (self._first_bad_step < 0) & ~torch.isfinite(loss)
        self._first_bad_step.masked_fill_(first, step)

    def result(self) -> LossAndAccuracy:
        """The averages; waits for the device."""
        return LossAndAccuracy(
            self._loss_sum.item() / self.count, self._hits.item() / self.count, self.count
        )

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite, or None; waits for the device."""
        step = int(self._first_bad_step.item())
        return None if step < 0 else step

    def glimpse(self) -> LossAndAccuracy | None:
        """The newest averages that can be had without waiting; None before the first."""
        return self._glimpse.look(self._loss_sum, self._hits, self.count)

    def state_dict(self) -> dict[str, Any]:
        """Sums and count, for a checkpoint inside an epoch."""
        return {
            "count": self.count,
            "loss_sum": self._loss_sum,
            "hits": self._hits,
            "first_bad_step": self._first_bad_step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state_dict` gave."""
        self.count = state["count"]
        self._loss_sum.copy_(state["loss_sum"])
        self._hits.copy_(state["hits"])
        self._first_bad_step.copy_(state["first_bad_step"])


class _Glimpse:
    """Reads sums on CUDA by a copy that the device makes in its own time."""

    def __init__(self, device: torch.device) -> None:
        self._on_cpu = device.type == "cpu"
        self._latest: LossAndAccuracy | None = None
        self._pending: tuple[Tensor, int, torch.cuda.Event] | None = None

    def look(self, loss_sum: Tensor, hits: Tensor, count: int) -> LossAndAccuracy | None:
        if count == 0:
            return None
        if self._on_cpu:
            return LossAndAccuracy(loss_sum.item() / count, hits.item() / count, count)
        if self._pending is not None and self._pending[2].query():
            sums, pending_count, _ = self._pending
            loss, right = sums.tolist()
            self._latest = LossAndAccuracy(
                loss / pending_count, right / pending_count, pending_count
            )
            self._pending = None
        if self._pending is None:
            sums = torch.empty(2, dtype=torch.float64, pin_memory=True)
            sums.copy_(torch.stack([loss_sum, hits.double()]), non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            self._pending = (sums, count, event)
        return self._latest
