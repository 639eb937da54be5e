"""Lower bound for the time of a step: counted operations and bytes over measured rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import Settings, repeat, timed

#: Operators that are bound by arithmetic; for all others, the bytes moved are counted.
ARITHMETIC = ("convolution", "conv2d", "mm", "addmm", "bmm", "mkldnn", "linear")


@dataclass(frozen=True)
class Work:
    """Work of a training step.

    Attributes:
        operations: floating-point operations of convolutions and matrix products; a multiply-add
            counts as two.
        bytes: read and written by all other operators (norms, pools, activations, casts, the
            optimizer), as if none of them were fused.
    """

    operations: float
    bytes: float

    def ceiling(self, rate: float, bandwidth: float) -> float:
        """Share of the matrix rate that a step reaches if arithmetic and memory do not overlap.

        Args:
            rate: operations per second of large matrix products.
            bandwidth: bytes per second of a large copy, read and written.
        """
        arithmetic, memory = self.operations / rate, self.bytes / bandwidth
        return arithmetic / (arithmetic + memory)

    def lines(self, seconds: float, rate: float, bandwidth: float) -> list[str]:
        """Compares a measured step with its bounds.

        Args:
            seconds: of the step.
            rate: operations per second of large matrix products.
            bandwidth: bytes per second of a large copy, read and written.
        """
        arithmetic, memory = self.operations / rate, self.bytes / bandwidth
        longest, total = max(arithmetic, memory), arithmetic + memory
        return [
            f"one step: {self.operations / 1e9:,.0f} GFLOP and {self.bytes / 1e9:,.2f} GB; matrix "
            f"rate {rate / 1e9:,.0f} GFLOP/s, copy {bandwidth / 1e9:,.1f} GB/s",
            f"bound {longest:.3f} s if arithmetic ({arithmetic:.3f} s) and memory ({memory:.3f} "
            f"s) overlap fully, {total:.3f} s if not at all; measured {seconds:.3f} s = "
            f"{longest / seconds:.0%} and {total / seconds:.0%} of these speeds",
        ]


def count(step: Callable[[], Any]) -> Work:
    """Counts the work of a step by running it once."""
    moved = _BytesMoved()
    with FlopCounterMode(display=False) as flops, moved:
        step()
    return Work(float(flops.get_total_flops()), float(moved.bytes))


def matrix_product(
    device: torch.device, dtype: torch.dtype, settings: Settings
) -> tuple[Callable[[], Tensor], float]:
    """Returns a large matrix product and its number of operations."""
    side = settings.size(4096, 128) if device.type == "cpu" else 8192
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return lambda: torch.matmul(a, b, out=out), 2.0 * side**3


def bandwidth(device: torch.device, settings: Settings) -> float:
    """Bytes per second that a large copy reads and writes in total, the fastest of five."""
    source = torch.ones(settings.size(2**27, 2**20), device=device)  # 512 MB, larger than any cache
    target = torch.zeros_like(source)
    seconds = min(repeat(timed(lambda: target.copy_(source)), 5))
    return 2 * source.numel() * source.element_size() / seconds


class _BytesMoved(TorchDispatchMode):
    """Sums the sizes of inputs and outputs of operators that are not bound by arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view and not any(name in func.__name__ for name in ARITHMETIC):
            tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, Tensor)]
            self.bytes += sum(t.numel() * t.element_size() for t in tensors)
        return result
