"""Layer by layer: the rate of each convolution, from oneDNN's log of a few training steps."""

from __future__ import annotations

import collections
import functools
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.machine import TOP
from benchmarks.measure import Case, Result, Settings
from benchmarks.onednn import DATA, DIRECTIONS, FORWARD, WEIGHTS, Convolution, Executed, executed
from benchmarks.processes import run as run_command

LABELS = {FORWARD: "forward", DATA: "data gradient", WEIGHTS: "weight gradient"}


@dataclass
class Layer:
    """What the log says about all convolutions of one size.

    Attributes:
        seconds: by direction.
        times: how often each direction was computed.
    """

    seconds: dict[str, float] = field(default_factory=lambda: collections.defaultdict(float))
    times: dict[str, int] = field(default_factory=lambda: collections.defaultdict(int))


@dataclass(frozen=True)
class Steps:
    """Some training steps.

    Attributes:
        images: of a step.
        number: of steps.
        seconds: of all steps.
        rate: of large matrix products, in operations per second.
        layers: by size of their convolutions.
        reordering: seconds of conversions between memory formats.
    """

    images: int
    number: int
    seconds: float
    rate: float
    layers: Mapping[Convolution, Layer]
    reordering: float

    @property
    def in_convolutions(self) -> float:
        """Seconds of all convolutions."""
        return sum(sum(layer.seconds.values()) for layer in self.layers.values())

    @property
    def reached(self) -> float:
        """Share of the matrix rate that the convolutions reach."""
        operations = sum(
            size.operations(self.images) * sum(layer.times.values())
            for size, layer in self.layers.items()
        )
        return operations / self.in_convolutions / self.rate

    def row(self, size: Convolution) -> dict[str, float | None]:
        """Rates in GFLOP/s, their shares of the matrix rate, and the share of the steps' time."""
        layer, cells = self.layers[size], dict[str, float | None]()
        for direction in DIRECTIONS:
            seconds, times = layer.seconds[direction], layer.times[direction]
            rate = size.operations(self.images) * times / seconds if seconds else None
            cells[f"{LABELS[direction]}, GFLOP/s"] = None if rate is None else rate / 1e9
            cells[f"{LABELS[direction]} / matrix rate"] = None if rate is None else rate / self.rate
        cells["share of the step's time"] = sum(layer.seconds.values()) / self.seconds
        return cells


def run(settings: Settings, model: str, precision: str) -> Result:
    """Trains a few steps in a process of its own and reads its log."""
    if torch.cuda.is_available():
        return Result(None, notes=["oneDNN computes on processors alone"])
    images, number = settings.size(256, 8), settings.size(4, 1)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "measured.json"
        script = TOP / "benchmarks" / "logged_steps.py"
        words = [model, precision, str(images), str(number), out, *["quick"] * settings.quick]
        log = run_command([sys.executable, script, *words]).output
        measured = json.loads(out.read_text())
    lines = list(executed(log))
    steps = Steps(
        images,
        number,
        measured["seconds"],
        measured["rate"],
        by_layer(lines, images),
        sum(line.seconds for line in lines if line.primitive == "reorder"),
    )
    expected = {_convolution(size): times for size, times in measured["expected"]}
    return result_of(steps, expected)


def by_layer(lines: Iterable[Executed], images: int) -> dict[Convolution, Layer]:
    """Sums the log over convolutions of one size; those of other batches are left out."""
    layers: dict[Convolution, Layer] = collections.defaultdict(Layer)
    for line in lines:
        if line.convolution and line.images == images and line.direction in DIRECTIONS:
            layers[line.convolution].seconds[line.direction] += line.seconds
            layers[line.convolution].times[line.direction] += 1
    return dict(layers)


def result_of(steps: Steps, expected: Mapping[Convolution, int]) -> Result:
    """Returns the table and, as its value, the share of the matrix rate of all convolutions.

    Args:
        steps: as logged.
        expected: how often the network has each convolution.
    """
    if not steps.layers:
        return Result(None, notes=["oneDNN's log names no convolution"])
    series = {
        f"{size} ({round(layer.times[FORWARD] / steps.number)} in a step)": steps.row(size)
        for size, layer in steps.layers.items()
    }
    share = steps.in_convolutions / steps.seconds
    rate = steps.images * steps.number / steps.seconds
    notes = [
        f"matrix rate {steps.rate / 1e9:,.0f} GFLOP/s; {rate:,.1f} images/s, {rate / share:,.1f} "
        "if everything but convolutions were free",
        f"convolutions take {share:.0%} of a step, conversions between memory formats "
        f"{steps.reordering / steps.seconds:.0%}",
        *_not_logged(steps, expected),
    ]
    return Result(steps.reached, pairs=steps.number, notes=notes, series=series)


def _not_logged(steps: Steps, expected: Mapping[Convolution, int]) -> Sequence[str]:
    """Says which convolutions of the network the log does not have, or not often enough."""
    lacking = [
        str(size)
        for size, times in expected.items()
        if steps.layers.get(size, Layer()).times[FORWARD] < times * steps.number
    ]
    return [f"not, or not always, in oneDNN's log: {'; '.join(lacking)}"] if lacking else []


def _convolution(values: dict[str, object]) -> Convolution:
    """Undoes ``asdict`` and JSON."""
    pairs = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return Convolution(**pairs)  # type: ignore[arg-type]


CASES = [
    Case(
        name=f"layers-{model.replace('_', '-')}-{short}",
        what=f"share of the matrix rate reached by convolutions alone, {label}, {precision}",
        against="large `torch.matmul` in the same process",
        run=functools.partial(run, model=model, precision=precision),
        in_bfloat16=precision == "bfloat16",
    )
    for model, label in (("resnet18", "ResNet18"), ("custom_resnet", "custom ResNet"))
    for short, precision in (("bf16", "bfloat16"), ("fp32", "float32"))
]
