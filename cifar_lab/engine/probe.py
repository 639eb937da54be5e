"""A short measurement of how fast a processor trains in bfloat16, compared with float32."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import conv2d

from cifar_lab.precision import Precision, autocast, dtype_of

#: Runs the measured work once in a precision and returns its seconds.
Timer = Callable[[Precision], float]
#: Seconds of one run in bfloat16, then in float32.
Pair = tuple[float, float]

#: Number of pairs, and the seconds after which no further pair is begun.
PAIRS, BUDGET_SECONDS = 5, 0.5
#: How many times as fast bfloat16 must be to be worth its rounding.
WORTHWHILE = 1.2
#: Of the convolution: images, channels in and out, side in pixels. Small, so that a busy machine
#: interrupts few of the runs.
BATCH, CHANNELS, SIDE = 64, 128, 8


class Convolution:
    """Times a 3×3 convolution of a batch, forward and backward, on the CPU in channels-last format.

    Draws nothing from the global random states.
    """

    def __init__(self) -> None:
        draw = torch.Generator().manual_seed(0)
        shape = (BATCH, CHANNELS, SIDE, SIDE)
        self._images = torch.randn(shape, generator=draw).to(memory_format=torch.channels_last)
        weight = torch.randn((CHANNELS, CHANNELS, 3, 3), generator=draw) / 34  # keeps the scale
        self._weight = weight.to(memory_format=torch.channels_last).requires_grad_()

    def __call__(self, precision: Precision) -> float:
        images = self._images.to(dtype_of(precision)).requires_grad_()
        started = time.perf_counter()
        with autocast(precision, images.device):
            output = conv2d(images, self._weight, padding=1)
        torch.autograd.grad(output, (images, self._weight), torch.ones_like(output))
        return time.perf_counter() - started


def interleaved(timer: Timer) -> tuple[Pair, ...]:
    """Measure pairs in turn, so that a change of the machine's load affects both sides.

    The first run in each precision is not counted: it chooses kernels and allocates memory. On a
    slow machine there are fewer pairs, but at least one.
    """
    spent = timer("bfloat16") + timer("float32")
    pairs: list[Pair] = []
    while not pairs or (len(pairs) < PAIRS and spent + sum(pairs[-1]) <= BUDGET_SECONDS):
        pairs.append((timer("bfloat16"), timer("float32")))
        spent += sum(pairs[-1])
    return tuple(pairs)


def speedup(pairs: Sequence[Pair]) -> float:
    """How many times as fast bfloat16 is: the median over the pairs."""
    return statistics.median(float32 / bfloat16 for bfloat16, float32 in pairs)


def faster(pairs: Sequence[Pair]) -> Precision:
    """Return bfloat16 if it is at least ``WORTHWHILE`` times as fast, otherwise float32."""
    return "bfloat16" if speedup(pairs) >= WORTHWHILE else "float32"
