"""Time from starting a command to its output, or to its first training step."""

from __future__ import annotations

import functools
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from benchmarks import ours, peers
from benchmarks.machine import TOP
from benchmarks.measure import (
    Case,
    Different,
    Result,
    Settings,
    Side,
    arithmetic_mean,
    assert_same,
    compare,
)
from benchmarks.processes import CIFAR_LAB, Finished, run

Command = Sequence[str | Path]


def compare_commands(
    mine: Command,
    theirs: Command,
    pairs: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], object] | None = None,
) -> Result:
    """Measures wall time of two commands in turn, with processor time in a note.

    The value is our time relative to theirs.

    Args:
        mine, theirs: the commands.
        pairs: how often each is run.
        folder: in which they run.
        environment: added to that of this process.
        before: called before each run, outside of its time.
    """
    cpu: dict[str, list[float]] = {"ours": [], "theirs": []}

    def side(name: str, command: Command) -> Side:
        def once() -> float:
            if before is not None:
                before()
            finished = run(command, folder=folder, environment=environment)
            cpu[name].append(finished.cpu_seconds)
            return finished.wall_seconds

        return once

    # With swapped sides, the ratio is one of times instead of speeds.
    swapped = compare(side("theirs", theirs), side("ours", mine), pairs)
    result = Result(swapped.value, swapped.low, swapped.high, pairs, swapped.theirs, swapped.ours)
    walls = [arithmetic_mean(seconds)[0] for seconds in (result.ours, result.theirs)]
    cpus = [arithmetic_mean(seconds[1:])[0] for seconds in cpu.values()]
    return result.noted(
        f"wall {walls[0]:.2f} s against {walls[1]:.2f} s, processor {cpus[0]:.2f} s against "
        f"{cpus[1]:.2f} s"
    )


def help_text(settings: Settings) -> Result:
    """Asserts that both print their usage, then times ``--help``."""
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = [CIFAR_LAB, "--help"], [*_hydra_app(), "--help"]
        for command in (mine, theirs):
            if "usage" not in (text := run(command, folder=Path(folder)).output).lower():
                raise Different(f"{command} did not print its usage: {text[:200]!r}")
        return compare_commands(mine, theirs, settings.size(10, 2), Path(folder))


def train_help(settings: Settings) -> Result:
    """Asserts that both print the same configuration, then times ``train --help``."""
    return _same_configuration(
        settings, ["--help"], lambda text: text.split("Composed configuration:\n")[-1]
    )


def configuration(settings: Settings) -> Result:
    """Asserts that both print the same configuration, then times ``--cfg job``."""
    return _same_configuration(settings, ["--cfg", "job"], lambda text: text)


def first_step(settings: Settings, *, filled: bool) -> Result:
    """Asserts a step over equally many parameters, then times from the start to this step.

    Args:
        settings: of the measurement.
        filled: whether an earlier run has left its cache: decoded images and the measurement that
            chooses the precision. Otherwise each of our starts finds it empty.
    """
    peers.load("lightning_peer")
    with tempfile.TemporaryDirectory() as folder:
        root = settings.root or str(_pictures(Path(folder) / "images"))
        shared = [f"dataset.root={root}", "trainer.batch_size=64", "hydra.output_subdir=null"]
        if settings.root is None:
            shared.append("dataset=image_folder")
        wrapper = [sys.executable, TOP / "benchmarks" / "first_step.py"]
        script = peers.FOLDER / "lightning_hydra_script.py"
        mine = [*wrapper, CIFAR_LAB, "train", *shared, "report.enabled=false"]
        theirs = [*wrapper, script, ours.CONF, *shared]
        cache = Path(folder) / "cache"
        environment = {"CIFAR_LAB_CACHE": str(cache)}
        counts = [
            _parameters(run(c, folder=Path(folder), environment=environment))
            for c in (mine, theirs)
        ]
        assert_same("updated parameters", *counts)
        pairs = settings.size(8, 1)
        before = None if filled else functools.partial(shutil.rmtree, cache, ignore_errors=True)
        times = compare_commands(mine, theirs, pairs, Path(folder), environment, before)
    ratios = [1 / v if v else None for v in (times.value, times.high, times.low)]
    result = Result(*ratios, pairs, times.ours, times.theirs, times.notes)
    return result.noted(
        "custom ResNet, batch 64; "
        + ("only ours reads images that an earlier run decoded" if filled else "nothing is cached")
    )


def _same_configuration(settings: Settings, flags: list[str], cut: Callable[[str], str]) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = [CIFAR_LAB, "train", *flags], [*_hydra_app(), *flags]
        printed = [cut(run(c, folder=Path(folder)).output) for c in (mine, theirs)]
        assert_same("configuration", *map(_configuration_in, printed))
        return compare_commands(mine, theirs, settings.size(10, 2), Path(folder))


def _configuration_in(text: str) -> object:
    """Extracts the YAML from the output of a command."""
    lines = [line for line in text.splitlines() if re.match(r"\s*[\w-]+:|\s*- ", line)]
    return yaml.safe_load("\n".join(lines))


def _hydra_app() -> list[str | Path]:
    return [sys.executable, peers.FOLDER / "hydra_app.py", ours.CONF]


def _parameters(finished: Finished) -> str:
    found = re.search(r"first step of (\d+) parameters", finished.output)
    if found is None:
        raise Different(f"there was no optimizer step: {finished.output[-500:]!r}")
    return found[1]


def _pictures(root: Path) -> Path:
    """Writes a small image folder with ten classes."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 2)):
        for name in range(10):
            folder = root / split / f"class{name}"
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


HYDRA = "a bare Hydra app with the same groups"
CASES = [
    Case("start-help", "time of `cifar-lab --help` relative to", HYDRA, help_text),
    Case(
        "start-train-help",
        "time of `cifar-lab train --help` relative to",
        HYDRA,
        train_help,
    ),
    Case(
        "start-cfg",
        "time of `cifar-lab train --cfg job` relative to",
        HYDRA,
        configuration,
    ),
    Case(
        "start-first-step",
        "speed of starting up to the first training step",
        "a Lightning + Hydra script",
        functools.partial(first_step, filled=True),
    ),
    Case(
        "start-first-step-empty",
        "speed of starting up to the first training step, with an empty cache",
        "a Lightning + Hydra script",
        functools.partial(first_step, filled=False),
    ),
]
