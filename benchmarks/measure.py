"""Measures two sides in turn and their ratio with an interval; defines what a case is."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.targets import Target

#: One measurement of one side: does the work and returns its duration in seconds.
Side = Callable[[], float]


class Different(AssertionError):
    """The two sides do not compute the same; a ratio of their times would be meaningless."""


@dataclass(frozen=True)
class Result:
    """What a case measured.

    Attributes:
        value: the ratio, or a value in the case's unit; None if it could not be measured.
        low: lower end of the 95 % interval of the mean; None if there is none.
        high: upper end.
        pairs: number of interleaved pairs, or of repetitions if there is no peer.
        ours: seconds of each of our measurements.
        theirs: likewise.
        notes: further lines to print, e.g. the distance from the hardware's limit.
        series: further values, by names of series and point; None where there is none.
        reachable: the best value that this hardware allows, if the case measured that.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    ours: Sequence[float] = ()
    theirs: Sequence[float] = ()
    notes: Sequence[str] = ()
    series: dict[str, dict[str, float | None]] = field(default_factory=dict)
    reachable: float | None = None

    def noted(self, *notes: str) -> Result:
        """Returns the result with further notes."""
        return dataclasses.replace(self, notes=[*self.notes, *notes])


@dataclass(frozen=True)
class Settings:
    """How to run cases.

    Attributes:
        quick: use tiny sizes to test that a case works; its numbers are meaningless.
        root: folder of CIFAR-10; None uses scikit-learn's digits, in quick runs only.
    """

    quick: bool = False
    root: str | None = None

    def size(self, full: int, quick: int) -> int:
        """Returns the size for this kind of run."""
        return quick if self.quick else full

    def images(self) -> list[str]:
        """Returns overrides that choose the images.

        Raises:
            ValueError: a full run needs CIFAR-10.
        """
        if self.root is not None:
            return [f"dataset.root={self.root}"]
        if not self.quick:
            raise ValueError("this case needs CIFAR-10: add --root DIR, or --quick for digits")
        return ["dataset=digits"]


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: on the command line.
        what: title of the measurement in the table.
        against: name of the peer in the table; empty if there is none.
        run: asserts that both sides compute the same, then measures.
        unit: of the value in the table, e.g. ``ms``; empty for ratios.
        target: for the value, from :data:`benchmarks.targets.TARGETS`; None if there is none.
        in_bfloat16: whether it also computes in bfloat16.
    """

    name: str
    what: str
    against: str
    run: Callable[[Settings], Result]
    unit: str = ""
    target: Target | None = None
    in_bfloat16: bool = False


def timed(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> Side:
    """A side that measures the wall time of some work, including that of the accelerator."""

    def side() -> float:
        started = clock()
        work()
        _wait_for_accelerator()
        return clock() - started

    return side


def compare(
    ours: Side,
    theirs: Side,
    pairs: int,
    *,
    work: tuple[float, float] = (1.0, 1.0),
) -> Result:
    """Measures both sides in turn in one process.

    Args:
        ours: one measurement of our side.
        theirs: one measurement of the peer.
        pairs: number of measurements of each side.
        work: amount of work per measurement of each side, if it differs: images, operations.

    Returns:
        The geometric mean of the speedup of our side, with its 95 % interval.
    """
    seconds = in_turn({"ours": ours, "theirs": theirs}, pairs)
    ratios = [
        (work[0] / mine) / (work[1] / other)
        for mine, other in zip(seconds["ours"], seconds["theirs"], strict=True)
    ]
    value, low, high = geometric_mean(ratios)
    return Result(value, low, high, pairs, seconds["ours"], seconds["theirs"])


def in_turn(sides: Mapping[str, Side], rounds: int) -> dict[str, list[float]]:
    """Measures sides in turn in one process, after a warm-up of each; returns their seconds.

    The order is reversed from round to round, so that caches, clock frequency and the load of other
    processes do not favour one side.

    Args:
        sides: by name; all but ``theirs`` allocate memory as our runs do.
        rounds: number of measurements of each side.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for name, side in sides.items():
        _allocate_as(name)
        side()
    for index in range(rounds):
        for name in list(sides)[:: 1 if index % 2 == 0 else -1]:
            gc.collect()  # so that no side's time includes another's garbage
            _allocate_as(name)
            seconds[name].append(sides[name]())
    return seconds


def repeat(side: Side, times: int) -> list[float]:
    """Measures one side repeatedly, after a warm-up."""
    side()
    return [side() for _ in range(times)]


def geometric_mean(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Mean and 95 % interval (Student's t) of positive values, computed on their logarithms.

    The ends are None for a single value.
    """
    mean, low, high = arithmetic_mean([math.log(value) for value in values])
    if low is None or high is None:
        return math.exp(mean), None, None
    return math.exp(mean), math.exp(low), math.exp(high)


def arithmetic_mean(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Mean and 95 % interval (Student's t); the ends are None for a single value."""
    from scipy.special import stdtrit

    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return mean, None, None
    half = float(stdtrit(count - 1, 0.975)) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return mean, mean - half, mean + half


def assert_close(what: str, ours: ArrayLike, theirs: ArrayLike, relative: float) -> float:
    """Asserts that two results agree; returns their largest relative difference.

    Args:
        what: name of the results, for the message.
        ours: any shape.
        theirs: the same shape.
        relative: largest allowed difference, relative to the largest absolute value of theirs.

    Raises:
        Different: they do not agree.
    """
    mine, other = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if mine.shape != other.shape:
        raise Different(f"{what}: ours has shape {mine.shape}, theirs {other.shape}")
    scale = float(np.abs(other).max(initial=0.0)) or 1.0
    difference = float(np.abs(mine - other).max(initial=0.0)) / scale
    if not difference <= relative:  # also catches NaN
        raise Different(f"{what}: differs by {difference:.2g}, at most {relative:.2g} is allowed")
    return difference


def assert_same(what: str, ours: object, theirs: object) -> None:
    """Asserts that two plain values are equal.

    Raises:
        Different: they are not.
    """
    if ours != theirs:
        raise Different(f"{what}: ours is {ours!r}, theirs {theirs!r}")


@contextlib.contextmanager
def threads(number: int) -> Iterator[None]:
    """Sets the number of torch's threads inside the context."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _allocate_as(side: str) -> None:
    """Sets the allocator as our runs do, and to the system's defaults for the peer."""
    if "torch" not in sys.modules:  # commands are measured, each in its own process
        return
    from benchmarks import ours
    from benchmarks.machine import allocate_by_default

    if side == "theirs":
        allocate_by_default()
    else:
        ours.keep_freed_memory()


def _wait_for_accelerator() -> None:
    torch = sys.modules.get("torch")  # commands are measured without importing torch
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
