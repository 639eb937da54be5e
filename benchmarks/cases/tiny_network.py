"""Steps per second of a network so small that only the surrounding loop matters."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import torch

from benchmarks import ours, peers
from benchmarks.cases.training_step import LEARNING_RATE, experiment, random_batches
from benchmarks.measure import (
    Case,
    Result,
    Settings,
    arithmetic_mean,
    assert_close,
    compare,
    timed,
)
from benchmarks.peers import plain_loop
from benchmarks.peers.models import tiny

BATCH_SIZE = 16


class Ours:
    """Our trainer on fixed batches, with the hooks of a run.

    Args:
        settings: determines the number of steps.
        folder: of the run.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.batches = random_batches(settings.size(2000, 20), BATCH_SIZE, device, side=8)
        torch.manual_seed(0)
        self.model = tiny(10)
        built = experiment(settings, ["model=custom_resnet"], "float32", BATCH_SIZE)
        self.built = ours.on_fixed_batches(ours.around(built, self.model), self.batches)
        self.criterion = built.learner.criterion
        self._folder = folder

    def metrics(self) -> tuple[float, float]:
        """Trains an epoch; returns loss and accuracy."""
        row = ours.fit(self.built)[-1]
        return row["train_loss"], row["train_accuracy"]

    def seconds(self) -> float:
        """Times an epoch with hooks, without the files at its end, which are a separate case."""
        clock = ours.StepClock()
        ours.fit(self.built, *ours.run_hooks(self.built, self._folder), clock)
        return clock.seconds


def against_bare_loop(settings: Settings) -> Result:
    """Asserts equal loss and accuracy over all steps, then times them in turn."""
    with tempfile.TemporaryDirectory() as folder:
        mine = Ours(settings, Path(folder))
        model = copy.deepcopy(mine.model).to(memory_format=torch.contiguous_format)
        optimizer = plain_loop.sgd(model, LEARNING_RATE)

        def loop() -> tuple[float, float]:
            return plain_loop.train_gathering(model, optimizer, mine.criterion, mine.batches)

        assert_close("loss and accuracy", mine.metrics(), loop(), 1e-2)
        result = compare(mine.seconds, timed(loop), settings.size(6, 2))
    return result.noted(_microseconds(result, len(mine.batches)))


def against_lightning(settings: Settings) -> Result:
    """Asserts equal loss and accuracy over all steps, then times them in turn."""
    lightning = peers.load("lightning_peer")
    with tempfile.TemporaryDirectory() as folder:
        mine = Ours(settings, Path(folder))
        model = copy.deepcopy(mine.model).to(memory_format=torch.contiguous_format)
        classifier = lightning.Classifier(model, mine.criterion, LEARNING_RATE)
        batches = lightning.Prepared(mine.batches)
        found, _ = lightning.fit(classifier, batches)
        theirs = (found["train_loss"], found["train_accuracy"])
        assert_close("loss and accuracy", mine.metrics(), theirs, 1e-2)
        result = compare(
            mine.seconds,
            lambda: lightning.fit(classifier, batches)[1],
            settings.size(4, 2),
        )
    return result.noted(_microseconds(result, len(mine.batches)))


def _microseconds(result: Result, steps: int) -> str:
    ours_, theirs = (1e6 * arithmetic_mean(s)[0] / steps for s in (result.ours, result.theirs))
    return f"one step: {ours_:,.0f} µs against {theirs:,.0f} µs, batch {BATCH_SIZE}"


CASES = [
    Case(
        name="tiny-bare-loop",
        what="steps per second of a tiny network, with logging and hooks",
        against="a bare loop that accumulates the same loss and accuracy",
        run=against_bare_loop,
    ),
    Case(
        name="tiny-lightning",
        what="steps per second of a tiny network, with logging and hooks",
        against="Lightning",
        run=against_lightning,
    ),
]
