"""Reads oneDNN's verbose log: which convolutions it computed, and how long each took.

A line is ``onednn_verbose,…,exec,ENGINE,PRIMITIVE,IMPLEMENTATION,DIRECTION,…,PROBLEM,TIME``, the
time in milliseconds. Versions differ in what stands before ``exec`` and between direction and
problem, so that fields are counted from ``exec`` and from the end.
Source: https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

#: How a line begins, in newer and in older versions.
PREFIXES = ("onednn_verbose", "dnnl_verbose")
#: oneDNN's names of the three directions of a training step.
FORWARD, DATA, WEIGHTS = "forward_training", "backward_data", "backward_weights"
DIRECTIONS = (FORWARD, DATA, WEIGHTS)


@dataclass(frozen=True, order=True)
class Convolution:
    """The size of a convolution.

    Attributes:
        inputs, outputs: channels.
        kernel: height and width.
        stride: likewise.
        size: height and width of the input maps.
        produced: height and width of the output maps.
        groups: number of groups.
    """

    inputs: int
    outputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    size: tuple[int, int]
    produced: tuple[int, int]
    groups: int = 1

    def operations(self, images: int) -> float:
        """Floating-point operations in each direction; a multiply-add counts as two."""
        weights = self.outputs * self.inputs // self.groups * self.kernel[0] * self.kernel[1]
        return 2.0 * images * weights * self.produced[0] * self.produced[1]

    def __str__(self) -> str:
        stride = "" if self.stride == (1, 1) else f", stride {_sides(self.stride)}"
        groups = "" if self.groups == 1 else f", {self.groups} groups"
        return (
            f"{self.inputs}→{self.outputs}, {_sides(self.kernel)}{stride}{groups}, "
            f"{_sides(self.size)} pixels"
        )


class Executed(NamedTuple):
    """One line of the log.

    Attributes:
        primitive: what was computed, e.g. ``convolution`` or ``reorder``.
        direction: of a convolution, one of :data:`DIRECTIONS` or another; else what oneDNN says.
        convolution: its size; None for other primitives and for problems in another notation.
        images: of the batch; 0 without a convolution.
        seconds: that it took.
    """

    primitive: str
    direction: str
    convolution: Convolution | None
    images: int
    seconds: float


def executed(log: str) -> Iterator[Executed]:
    """Yields what a log says was executed; lines of other kinds are skipped."""
    for line in log.splitlines():
        fields = line.split(",")
        if fields[0] not in PREFIXES or "exec" not in fields[:5]:
            continue
        after = fields[fields.index("exec") + 1 :]
        if len(after) < 6 or not _is_number(after[-1]):
            continue
        primitive, direction, problem = after[1], after[3], after[-2]
        size, images = _size(problem) if primitive == "convolution" else (None, 0)
        yield Executed(primitive, direction, size, images, float(after[-1]) / 1e3)


def _size(problem: str) -> tuple[Convolution | None, int]:
    """Reads ``mb8_ic64oc128_ih32oh16kh3sh2dh0ph1_iw32ow16kw3sw2dw0pw1``; maps may be square."""
    found = {key: int(value) for key, value in re.findall(r"([a-z]+)(\d+)", problem)}

    def both(key: str) -> tuple[int, int]:
        return found[f"{key}h"], found.get(f"{key}w", found[f"{key}h"])

    try:
        size = Convolution(
            found["ic"],
            found["oc"],
            both("k"),
            both("s"),
            both("i"),
            both("o"),
            found.get("g", 1),
        )
    except KeyError:
        return None, 0
    return size, found.get("mb", 1)


def _sides(pair: tuple[int, int]) -> str:
    return f"{pair[0]}×{pair[1]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
