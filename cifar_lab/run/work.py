"""How much machine work a run took: its seconds times the rate of matrix products meanwhile.

Seconds alone compare no two machines, and not even one machine with itself while others use it.
"""

from __future__ import annotations

import statistics
import time

import torch

from cifar_lab.engine.hooks import Hooks, Row
from cifar_lab.engine.state import TrainingState
from cifar_lab.run.summary import Work

#: Side of the square matrices; large enough that a product is nothing but multiplications.
SIDE = 4096


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """Floating-point operations a second that ``torch.matmul`` reaches on large matrices.

    Args:
        device: where.
        dtype: of the matrices.
        seconds: how long to multiply, at least one product after one that is not counted.
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
    """Measures the rate of bfloat16 products before training, after each epoch, and at the end.

    The time it takes is none of the run's.

    Args:
        device: where the run computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._rates: list[float] = []

    def on_fit_start(self, state: TrainingState, epochs: int, batches: int) -> None:
        self._measure(1.0)

    def on_epoch_end(self, state: TrainingState, row: Row, is_best: bool) -> None:
        self._measure(0.3)

    def result(self, seconds: float) -> Work:
        """The work of so many seconds; measures once more."""
        self._measure(1.0)
        rate = statistics.fmean(self._rates)
        return Work(seconds, rate, tuple(self._rates), seconds * rate / 1e12)

    def _measure(self, seconds: float) -> None:
        self._rates.append(matmul_rate(self._device, torch.bfloat16, seconds))


def described_work(work: Work) -> str:
    """The work in a sentence."""
    return (
        f"work: {work.seconds:.1f} s of training and evaluation at "
        f"{work.matmul_flops_per_second / 1e9:,.0f} GFLOP/s in bfloat16 products (mean of "
        f"{len(work.measurements)}): {work.tflop:.1f} TFLOP"
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
