"""Trains with oneDNN's log: ``logged_steps.py MODEL PRECISION BATCH STEPS OUT [quick]``.

A process of its own, as the log is written to its stdout, by C code. What Python measures beside it
is written to the file OUT as JSON.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

TOP = Path(__file__).resolve().parents[1]
sys.path[0] = str(TOP)

from benchmarks import ours, roofline  # noqa: E402
from benchmarks.cases.training_step import experiment, random_batches  # noqa: E402
from benchmarks.measure import Settings, repeat, timed  # noqa: E402
from benchmarks.onednn import Convolution  # noqa: E402


def main(model: str, precision: str, batch: str, steps: str, out: str, quick: str = "") -> None:
    """Warms up, measures the matrix rate, then trains with the log switched on."""
    settings, count = Settings(quick=bool(quick)), int(steps)
    built = experiment(settings, [f"model={model}", "device=cpu"], precision, int(batch))
    batches = random_batches(1, int(batch), built.learner.device)
    expected = convolutions(built, batches[0][0])
    fixed = ours.on_fixed_batches(built, batches * count)
    ours.keep_freed_memory()
    ours.fit(ours.on_fixed_batches(built, batches))
    dtype = {"bfloat16": torch.bfloat16, "float32": torch.float32}[precision]
    product, operations = roofline.matrix_product(built.learner.device, dtype, settings)
    rate = operations / min(repeat(timed(product), 5))
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        started = time.perf_counter()
        ours.fit(fixed)
        seconds = time.perf_counter() - started
    found = {"seconds": seconds, "rate": rate, "expected": expected}
    Path(out).write_text(json.dumps(found))


def convolutions(built: ours.Experiment, images: Tensor) -> list[tuple[dict[str, object], int]]:
    """Lists the network's convolutions as plain values, and how often each occurs in a pass.

    Args:
        built: with the network.
        images: float ``(batch, 3, h, w)``; the first is passed through the network.
    """
    model, found = built.learner.model, collections.Counter[Convolution]()

    def note(module: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:
        size = Convolution(
            module.in_channels,
            module.out_channels,
            tuple(module.kernel_size),
            tuple(module.stride),
            tuple(inputs[0].shape[2:]),
            tuple(output.shape[2:]),
            module.groups,
        )
        found[size] += 1

    hooks = [m.register_forward_hook(note) for m in model.modules() if isinstance(m, nn.Conv2d)]
    model.eval()
    with torch.no_grad():
        model(images[:1])
    for hook in hooks:
        hook.remove()
    return [(dataclasses.asdict(size), times) for size, times in found.items()]


if __name__ == "__main__":
    main(*sys.argv[1:])
