"""Machine work of a run: its seconds times the machine's rate of matrix products meanwhile.

Seconds alone cannot be compared across machines, nor on one machine whose load changes.
"""

from __future__ import annotations

import statistics
import time

import torch

from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.precision import Precision, dtype_of
from cifar_lab.run.summary import Work

#: Side of the square matrices; large enough for a product to be bound by arithmetic.
SIDE = 4096


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """Measures the floating-point operations per second of ``torch.matmul`` on large matrices.

    Args:
        device: to measure.
        dtype: of the matrices.
        seconds: how long to measure; at least one product, after one for warm-up.
    """
    matrix = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    matrix = matrix.to(device=device, dtype=dtype)
    product = torch.matmul(matrix, matrix)
    _wait(device)
    started, products = time.monotonic(), 0
    while products == 0 or time.monotonic() - started < seconds:
        torch.matmul(matrix, matrix, out=product)
        _wait(device)
        products += 1
    return 2 * SIDE**3 * products / (time.monotonic() - started)


class WorkMeter(Hooks):
    """Measures the rate of matrix products before training, after each epoch, and at the end.

    The time it takes does not count towards the run. It measures in the run's precision: where
    bfloat16 is emulated, a single product takes minutes.

    Args:
        device: of the run.
        precision: of the run.
    """

    def __init__(self, device: torch.device, precision: Precision) -> None:
        self._device = device
        self._precision = precision
        self._rates: list[float] = []

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        self._measure(1.0)

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        self._measure(0.3)

    def result(self, seconds: float) -> Work:
        """Measures a last time and returns the work of the given seconds."""
        self._measure(1.0)
        rate = statistics.fmean(self._rates)
        return Work(seconds, rate, tuple(self._rates), seconds * rate / 1e12)

    def _measure(self, seconds: float) -> None:
        self._rates.append(matmul_rate(self._device, dtype_of(self._precision), seconds))


def described_work(work: Work, precision: Precision) -> str:
    """Formats the work of a run in a precision as a sentence."""
    return (
        f"work: {work.seconds:.1f} s of training and evaluation at "
        f"{work.matmul_flops_per_second / 1e9:,.0f} GFLOP/s in {precision} products (mean of "
        f"{len(work.measurements)}): {work.tflop:.1f} TFLOP"
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
