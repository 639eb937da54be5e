"""Time of listing and comparing a thousand finished runs, and of a table of them in Python."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Case, Result, Settings, arithmetic_mean, assert_same
from benchmarks.processes import CIFAR_LAB, run
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run

#: A filter and a column for which the configuration of every run is read as well.
COMMAND = [CIFAR_LAB, "ls", "model=custom_resnet", "--sort", "optimizer.lr"]
COMPARE = [CIFAR_LAB, "compare", "outputs", "--format", "json"]
#: Seeds of each configuration that is compared.
SEEDS = 4
#: Prints how long it takes to make a table with a row for each run.
TABLE = """
import time
started = time.perf_counter()
import cifar_lab
table = cifar_lab.runs("outputs/**").to_frame(frame="pandas")
seconds = time.perf_counter() - started
assert (len(table), table["seed"].nunique()) == ({count}, {count})
print(seconds)
"""


def measure(settings: Settings) -> Result:
    """Asserts that every run is listed with its result, then times the command."""
    with _runs(settings) as (folder, count):
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


def measure_table(settings: Settings) -> Result:
    """Asserts that every run has a row with its own seed, then times making the table."""
    with _runs(settings) as (folder, count):
        code = TABLE.format(count=count)
        seconds = []
        for _ in range(settings.size(5, 2)):
            output = run([sys.executable, "-c", code], folder=folder).output
            seconds.append(float(output.split()[-1]))
    value, low, high = arithmetic_mean(seconds)
    return Result(value, low, high, len(seconds), seconds).noted(
        '`cifar_lab.runs("outputs/**").to_frame()`, with the import of what it needs and of pandas'
    )


def measure_comparison(settings: Settings) -> Result:
    """Asserts that every run is compared, in its configuration, then times the command."""
    with _runs(settings, seeds=SEEDS) as (folder, count):
        rows = json.loads(run(COMPARE, folder=folder).output)["configurations"]
        assert_same("runs", sum(len(row["folders"]) for row in rows), count)
        assert_same("configurations", len(rows), -(-count // SEEDS))
        seconds = [run(COMPARE, folder=folder).wall_seconds for _ in range(settings.size(5, 2))]
    value, low, high = arithmetic_mean(seconds)
    return Result(value, low, high, len(seconds), seconds).noted(
        f"`cifar-lab {' '.join(map(str, COMPARE[1:]))}`, {SEEDS} seeds of each configuration"
    )


@contextmanager
def _runs(settings: Settings, seeds: int | None = None) -> Iterator[tuple[Path, int]]:
    """A folder with many finished runs, and their number.

    Each has another seed or, with ``seeds``, that many have the same learning rate.
    """
    count = settings.size(1000, 2 * SEEDS)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # on disk: /tmp may be in memory
        folder = Path(name)
        finished = _finished(folder)
        for number in range(1, count):
            group, seed = (0, number) if seeds is None else divmod(number, seeds)
            other = finished.with_name(f"{finished.name}-{number}")
            _linked(finished, other, seed, f"0.02{group:03}")
        yield folder, count


def _finished(folder: Path) -> Path:
    """Makes a small finished run."""
    small = ["model.width=4", "trainer.limit_batches=1", "trainer.limit_epochs=1"]
    words = ["experiments=digits", *small, "report.enabled=false"]
    run([CIFAR_LAB, "train", *words], folder=folder)
    return (folder / "outputs" / "latest").resolve()


def _linked(finished: Path, other: Path, seed: int, learning_rate: str) -> None:
    """Makes another run of that seed and rate; links take no space and are read like files."""
    shutil.copytree(finished, other, copy_function=os.link)
    folder = RunFolder(other)
    config = folder.config.read_text().replace("\nseed: 0\n", f"\nseed: {seed}\n")
    config = config.replace("\n  lr: 0.02\n", f"\n  lr: {learning_rate}\n")
    provenance = folder.provenance.read_text().replace('"seed": 0', f'"seed": {seed}')
    Run(folder).files.write({folder.config: config, folder.provenance: provenance})


CASES = [
    Case(
        name="list-runs",
        what="time to list 1,000 finished runs, filtered by model and sorted by learning rate",
        against="",
        run=measure,
        unit="s",
    ),
    Case(
        name="compare-runs",
        what=f"time to compare 1,000 finished runs, {SEEDS} seeds of each configuration",
        against="",
        run=measure_comparison,
        unit="s",
    ),
    Case(
        name="runs-table",
        what="time to make a data frame of 1,000 finished runs in a new Python process",
        against="",
        run=measure_table,
        unit="s",
    ),
]
