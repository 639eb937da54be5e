"""Cases that need CUDA: the speedrun against airbench, and ResNet18 against its roofline."""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import ours, peers, roofline
from benchmarks.cases.matrix_rate import counted_step
from benchmarks.cases.training_step import experiment, random_batches
from benchmarks.measure import Case, Different, Result, Settings, compare, repeat, timed

NONE_HERE = Result(None, notes=["no accelerator available"])


def where_there_is_one(run: Callable[[Settings], Result]) -> Callable[[Settings], Result]:
    """Runs a case on CUDA; without CUDA, its result says so."""

    @functools.wraps(run)
    def guarded(settings: Settings) -> Result:
        return run(settings) if torch.cuda.is_available() else NONE_HERE

    return guarded


@where_there_is_one
def speedrun(settings: Settings) -> Result:
    """Times whole runs in turn, then asserts that our mean accuracy is within 0.25 points."""
    airbench = peers.load("airbench_peer")
    built = ours.experiment("experiments=fast94", *settings.images())
    accuracies: dict[str, list[float]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        airbench.write_images(built.dataset.source, Path(folder))
        before = Path.cwd()
        os.chdir(folder)  # airbench reads cifar10/ below the current folder
        try:
            warm_up = (timed(lambda: ours.fit(built))(), airbench.warm_up())
            result = compare(
                lambda: _our_run(settings, accuracies["ours"]),
                lambda: _their_run(airbench, accuracies["theirs"]),
                settings.size(6, 1),
            )
        finally:
            os.chdir(before)
    means = [sum(side) / len(side) for side in accuracies.values()]
    if means[0] < means[1] - 0.0025:
        raise Different(f"mean accuracies: ours {means[0]:.2%}, theirs {means[1]:.2%}")
    return result.noted(
        f"mean accuracy {means[0]:.2%} against {means[1]:.2%}",
        f"first run, warm-up and compilation included: {warm_up[0]:.1f} s against "
        f"{warm_up[1]:.1f} s",
    )


@where_there_is_one
def resnet18(settings: Settings) -> Result:
    """Measures the share of the roofline (slower of arithmetic and memory) reached in 20 epochs."""
    batch_size, steps = 512, settings.size(100, 10)
    built = experiment(settings, ["model=resnet18"], "bfloat16", batch_size)
    device = built.learner.device
    batches = random_batches(1, batch_size, device)
    work = counted_step(built, batches[0])
    fixed = ours.on_fixed_batches(built, batches * steps)
    seconds = min(repeat(timed(lambda: ours.fit(fixed)), 5)) / steps
    product, operations = roofline.matrix_product(device, torch.bfloat16, settings)
    rate = operations / min(repeat(timed(product), 20))
    bandwidth = roofline.bandwidth(device, settings)
    bound = max(work.operations / rate, work.bytes / bandwidth)
    epochs = 20 * 50_000 / batch_size * seconds
    return Result(bound / seconds, pairs=5, ours=[seconds]).noted(
        *work.lines(seconds, rate, bandwidth), f"20 epochs of 50,000 images: {epochs:.1f} s"
    )


def _our_run(settings: Settings, accuracies: list[float]) -> float:
    """Builds the experiment before the clock starts, as airbench does with its images."""
    built = ours.experiment("experiments=fast94", *settings.images(), f"seed={len(accuracies)}")
    side = timed(lambda: (ours.fit(built), accuracies.append(ours.evaluate(built)[1])))
    return side()


def _their_run(airbench: object, accuracies: list[float]) -> float:
    accuracy, seconds = airbench.train()  # type: ignore[attr-defined]
    accuracies.append(accuracy)
    return seconds


CASES = [
    Case(
        name="accelerator-fast94",
        what="`experiments=fast94`, a whole run",
        against="airbench's `train94`",
        run=speedrun,
    ),
    Case(
        name="accelerator-resnet18",
        what="share of the roofline, ResNet18, batch 512, 20 epochs",
        against="",
        run=resnet18,
    ),
]
