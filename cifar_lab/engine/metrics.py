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


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """How many of logits ``(batch, classes)`` are largest at the label: int64 ``()``."""
    return (logits.detach().argmax(1) == labels).sum()


class RunningMetrics:
    """Sums of loss and hits that never wait for the device until :meth:`result` is asked for.

    A batch costs no operation: what it gave is put aside, and summed when somebody looks.

    Args:
        device: where batches come from.
    """

    #: Batches put aside at most; more would hold many small pieces of memory.
    ASIDE = 1024

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.count = 0
        # float64 sums: 50,000 float32 additions would lose the fourth digit.
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._first_bad_step = torch.full((), -1, dtype=torch.int64, device=device)
        self._aside: list[tuple[Tensor, Tensor, int, int]] = []
        self._glimpse = _Glimpse(device)

    def update(self, loss: Tensor, hits: Tensor, count: int, step: int) -> None:
        """Adds a batch.

        Args:
            loss: float ``()``, mean over the batch; not written to afterwards.
            hits: int64 ``()``, as :func:`correct` gives it; likewise.
            count: images of the batch.
            step: remembered, on the device, if it is the first whose loss is not finite.
        """
        self.count += count
        self._aside.append((loss.detach(), hits, count, step))
        if len(self._aside) >= self.ASIDE:
            self._sum_up()

    def result(self) -> LossAndAccuracy:
        """The averages; waits for the device."""
        self._sum_up()
        return LossAndAccuracy(
            self._loss_sum.item() / self.count, self._hits.item() / self.count, self.count
        )

    def first_bad_step(self) -> int | None:
        """The first step whose loss was not finite, or None; waits for the device."""
        self._sum_up()
        step = int(self._first_bad_step.item())
        return None if step < 0 else step

    def glimpse(self) -> LossAndAccuracy | None:
        """The newest averages that can be had without waiting; None before the first."""
        self._sum_up()
        return self._glimpse.look(self._loss_sum, self._hits, self.count)

    def state_dict(self) -> dict[str, Any]:
        """Sums and count, for a checkpoint inside an epoch."""
        self._sum_up()
        return {
            "count": self.count,
            "loss_sum": self._loss_sum,
            "hits": self._hits,
            "first_bad_step": self._first_bad_step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up what :meth:`state_dict` gave."""
        self._aside.clear()
        self.count = state["count"]
        self._loss_sum.copy_(state["loss_sum"])
        self._hits.copy_(state["hits"])
        self._first_bad_step.copy_(state["first_bad_step"])

    def _sum_up(self) -> None:
        if not self._aside:
            return
        losses, hits, counts, steps = zip(*self._aside, strict=True)
        self._aside.clear()
        loss = torch.stack(losses)
        # One copy to the device for both, from memory it can read while we go on.
        numbers = torch.tensor([counts, steps], dtype=torch.int64)
        if self.device.type == "cuda":
            numbers = numbers.pin_memory()
        count, step = numbers.to(self.device, non_blocking=True)
        # A CPU's cumsum adds one after the other: the sum does not depend on when somebody looked.
        sums = torch.cat([self._loss_sum[None], loss.double() * count]).cumsum(0)
        self._loss_sum.copy_(sums[-1])
        self._hits += torch.stack(hits).sum()
        never = torch.iinfo(torch.int64).max
        first = torch.where(torch.isfinite(loss), never, step).min()
        unseen = (self._first_bad_step < 0) & (first < never)
        self._first_bad_step.copy_(torch.where(unseen, first, self._first_bad_step))


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
