"""Time of planning a thousand jobs, and of running many short ones."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.measure import (
    Case,
    Result,
    Settings,
    arithmetic_mean,
    assert_same,
    geometric_mean,
)
from benchmarks.processes import CIFAR_LAB, run

#: Two models, two optimizers and ten learning rates.
THOUSAND = [
    "dataset=digits", "model=resnet18,three_block", "optimizer=sgd,adam",
    "optimizer.lr=range(0.01,0.11,0.01)",
]  # fmt: skip
#: A run of a few steps, as a test or a first look at many values would be.
SHORT = [
    "dataset=digits", "model=three_block", "model.widths=[8,8,8]", "augmentation=none",
    "trainer.epochs=1", "trainer.limit_batches=4", "report.enabled=false",
]  # fmt: skip


def plan(settings: Settings) -> Result:
    """Asserts how many jobs are planned, then times ``--dry-run`` without timed batches."""
    seeds = settings.size(25, 1)
    words = [*THOUSAND, f"seed=range({seeds})"]
    command = [CIFAR_LAB, "train", "-m", *words, "--dry-run", "--no-timing"]
    with tempfile.TemporaryDirectory() as folder:
        told = run(command, folder=Path(folder)).output
        assert_same("plan", told.split(" jobs")[0], f"sweep: {40 * seeds:,}")
        seconds = [
            run(command, folder=Path(folder)).wall_seconds for _ in range(settings.size(5, 1))
        ]
    value, low, high = arithmetic_mean(seconds)
    return Result(value, low, high, len(seconds), seconds)


def short_runs(settings: Settings) -> Result:
    """Asserts that both give the same validation results, then times a sweep and single runs."""
    count = settings.size(20, 2)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        words = [*SHORT, "evaluate_test=false"]
        sweep = [CIFAR_LAB, "train", "-m", *words, f"seed=range({count})", "--no-timing"]

        commands = [[CIFAR_LAB, "train", *words, f"seed={seed}"] for seed in range(count)]
        mine: list[float] = []
        theirs: list[float] = []
        for _ in range(settings.size(2, 1)):  # a pair takes minutes
            mine.append(run(sweep, folder=folder).wall_seconds)
            swept = _results(folder)
            theirs.append(sum(run(each, folder=folder).wall_seconds for each in commands))
            assert_same("validation results", _results(folder), swept)
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    value, low, high = geometric_mean(ratios)
    return Result(value, low, high, len(ratios), mine, theirs)


def _results(folder: Path) -> list[tuple[float, float]]:
    """Validation accuracy and loss of each run, sorted; the runs are removed from view."""
    found = []
    for file in sorted((folder / "outputs").rglob("summary.json")):
        validation = json.loads(file.read_text())["validation"]
        found.append((validation["accuracy"], validation["loss"]))
        file.rename(file.with_name("counted.json"))
    return sorted(found)


CASES = [
    Case(
        name="sweep-plan",
        what="time to compose and check a sweep of 1,000 jobs",
        against="",
        run=plan,
        unit="s",
    ),
    Case(
        name="sweep-short-runs",
        what="time of 20 short runs in one sweep relative to",
        against="a process for each run",
        run=short_runs,
    ),
]
