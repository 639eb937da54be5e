"""Time of listing a thousand finished runs, from starting the command to its output."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.measure import Case, Result, Settings, Target, arithmetic_mean, assert_same
from benchmarks.processes import CIFAR_LAB, run

#: A filter and a column for which the configuration of every run is read as well.
COMMAND = [CIFAR_LAB, "ls", "model=custom_resnet", "--sort", "optimizer.lr"]


def measure(settings: Settings) -> Result:
    """Asserts that every run is listed with its result, then times the command."""
    count = settings.size(1000, 3)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # on disk: /tmp may be in memory
        folder = Path(name)
        finished = _finished(folder)
        for number in range(1, count):
            _linked(finished, finished.with_name(f"{finished.name}-{number}"))
        lines = run(COMMAND, folder=folder).output.splitlines()[1:]
        assert_same("runs", len(lines), count)
        assert_same("different results", len({tuple(line.split()[1:]) for line in lines}), 1)
        plain = run([CIFAR_LAB, "ls"], folder=folder)
        seconds = [run(COMMAND, folder=folder).wall_seconds for _ in range(settings.size(5, 2))]
    value, low, high = arithmetic_mean(seconds)
    return Result(value, low, high, len(seconds), seconds).noted(
        f"`cifar-lab {' '.join(map(str, COMMAND[1:]))}`; without filter and column "
        f"{plain.wall_seconds:.2f} s"
    )


def _finished(folder: Path) -> Path:
    """Makes a small finished run."""
    small = ["model.width=4", "trainer.limit_batches=1", "trainer.limit_epochs=1"]
    words = ["experiments=digits", *small, "report.enabled=false"]
    run([CIFAR_LAB, "train", *words], folder=folder)
    return (folder / "outputs" / "latest").resolve()


def _linked(finished: Path, other: Path) -> None:
    """Makes another run of the same content; links take no space and are read like files."""
    shutil.copytree(finished, other, copy_function=os.link)


CASES = [
    Case(
        name="list-runs",
        what="time to list 1,000 finished runs, filtered by model and sorted by learning rate",
        against="",
        target=Target(5, at_most=True),
        run=measure,
        unit="s",
    )
]
