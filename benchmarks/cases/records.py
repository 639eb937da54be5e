"""Time that the training thread spends at the end of an epoch."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import ours
from benchmarks.cases.training_step import experiment, random_batches
from benchmarks.measure import (
    Case,
    Different,
    Result,
    Settings,
    arithmetic_mean,
    assert_close,
)


def run(settings: Settings) -> Result:
    """Times the call, then asserts that the saved state is correct."""
    built = experiment(settings, ["model=resnet18"], "float32", 8)
    # One step, so that there is momentum to save.
    ours.fit(ours.on_fixed_batches(built, random_batches(1, 8, built.learner.device)))
    state = [built.learner.model.state_dict(), built.optimizer.state_dict()]
    megabytes = sum(t.numel() * t.element_size() for t in _tensors(state)) / 1e6
    if not settings.quick and not 85 <= megabytes <= 95:
        raise Different(f"the state should be about 90 MB, but is {megabytes:.0f} MB")
    pause = settings.size(2, 0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # on disk: /tmp may be in memory
        records = ours.Records(built, Path(folder))
        records.end_epoch()
        seconds = []
        for _ in range(settings.size(12, 3)):
            time.sleep(pause)  # stands for an epoch, in which background writes finish
            started = time.perf_counter()
            records.end_epoch()
            seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        records.finish()
        waited = time.perf_counter() - started
        _assert_saved(built, records)
    value, low, high = arithmetic_mean([1000 * s for s in seconds])
    return Result(value, low, high, len(seconds), seconds).noted(
        f"{megabytes:.0f} MB of state, written as best and as last; maximum "
        f"{1000 * max(seconds):.0f} ms; at the end of training, {1000 * waited:.0f} ms more for "
        "the disk"
    )


def _assert_saved(built: ours.Experiment, records: ours.Records) -> None:
    expected = dict(built.learner.model.state_dict())
    for state in records.saved():
        for name, weights in expected.items():
            assert_close(name, state["model"][name].cpu(), weights.cpu(), 0.0)
        momentum = [t for t in _tensors(built.optimizer.state_dict()) if t.ndim > 0]
        saved = [t for t in _tensors(state["optimizer"]) if t.ndim > 0]
        for mine, other in zip(momentum, saved, strict=True):
            assert_close("momentum", other.cpu(), mine.cpu(), 0.0)


def _tensors(value: Any) -> list[torch.Tensor]:
    from torch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


CASES = [
    Case(
        name="records",
        what="training thread's time for checkpoints and records per epoch, 90 MB of state",
        against="",
        run=run,
        unit="ms",
    )
]
