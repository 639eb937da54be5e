"""Loss and accuracy, accumulated on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossAndAccuracy:
    """Averages over samples, not over batches.

    Attributes:
        loss: mean of the criterion; in nats for cross entropy.
        accuracy: share of samples whose largest logit is the label's, 0 to 1.
        count: number of samples averaged over.
    """

    loss: float
    accuracy: float
    count: int


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of rows of logits ``(batch, classes)`` that are largest at the label: int64 ``()``."""
    return (logits.detach().argmax(1) == labels).sum()


class RunningMetrics:
    """Sums of loss and hits that do not wait for the device until :meth:`result` is called.

    Adding a batch launches no operation: results are put aside and summed when they are read.

    Args:
        device: the device that the results are on.
    """

    #: Maximum number of batches put aside; more would hold many small blocks of memory.
    ASIDE = 1024

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.count = 0
        # float64 sums: 50,000 float32 additions would lose the fourth digit.
        self._loss_sum = torch.zeros((), dtype=torch.float64, device=device)
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._first_bad_step = torch.full((), -1, dtype=torch.int64, device=device)
        self._aside: list[tuple[Tensor, Tensor, int, int]] = []
        self._running_average = _RunningAverage(device)

    def update(self, loss: Tensor, hits: Tensor, count: int, step: int) -> None:
        """Add a batch.

        Args:
            loss: float ``()``, mean over the batch; must not be modified afterwards.
            hits: int64 ``()``, as returned by :func:`correct`; likewise.
            count: number of images in the batch.
            step: recorded on the device if it is the first with a non-finite loss.
        """
        self.count += count
        self._aside.append((loss.detach(), hits, count, step))
        if len(self._aside) >= self.ASIDE:
            self._sum_up()

    def result(self) -> LossAndAccuracy:
        """The averages so far; waits for the device."""
        self._sum_up()
        return LossAndAccuracy(
            self._loss_sum.item() / self.count, self._hits.item() / self.count, self.count
        )

    def first_bad_step(self) -> int | None:
        """The first step with a non-finite loss, or None; waits for the device."""
        self._sum_up()
        step = int(self._first_bad_step.item())
        return None if step < 0 else step

    def running_average(self) -> LossAndAccuracy | None:
        """The latest averages available without waiting for the device; None before the first."""
        self._sum_up()
        return self._running_average.look(self._loss_sum, self._hits, self.count)

    def state_dict(self) -> dict[str, Any]:
        """Sums and count, for a checkpoint within an epoch."""
        self._sum_up()
        return {
            "count": self.count,
            "loss_sum": self._loss_sum,
            "hits": self._hits,
            "first_bad_step": self._first_bad_step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of :meth:`state_dict`."""
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
        # One asynchronous copy to the device for both, from pinned memory.
        numbers = torch.tensor([counts, steps], dtype=torch.int64)
        if self.device.type == "cuda":
            numbers = numbers.pin_memory()
        count, step = numbers.to(self.device, non_blocking=True)
        # A CPU's cumsum adds sequentially: the sum does not depend on when it was read.
        sums = torch.cat([self._loss_sum[None], loss.double() * count]).cumsum(0)
        self._loss_sum.copy_(sums[-1])
        self._hits += torch.stack(hits).sum()
        never = torch.iinfo(torch.int64).max
        first = torch.where(torch.isfinite(loss), never, step).min()
        unseen = (self._first_bad_step < 0) & (first < never)
        self._first_bad_step.copy_(torch.where(unseen, first, self._first_bad_step))


class _RunningAverage:
    """Reads sums from CUDA by an asynchronous copy, without waiting for the device."""

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
