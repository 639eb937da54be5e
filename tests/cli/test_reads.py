"""Each verb opens each file of a run at most once, whatever it then does with it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from tests.made import interrupted

pytestmark = pytest.mark.slow

QUICK = [
    "experiments=digits", "model.width=4", "trainer.epochs=2", "trainer.limit_batches=2",
    "trainer.precision=float32", "scheduler.max_lr=find", "lr_finder.steps=10", "lr_finder.seeds=1",
    "optimizer.lr=0.1",
]  # fmt: skip

#: While it is not None, the files that are opened to be read.
opened: list[str] | None = None


def _note(event: str, arguments: tuple) -> None:
    if event == "open" and opened is not None and isinstance(arguments[0], (str, os.PathLike)):
        reads = not arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if reads:
            opened.append(os.fspath(arguments[0]))


@pytest.fixture
def run(tmp_path, monkeypatch) -> RunFolder:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *QUICK]) == 0
    assert main(["explain", "latest", "--trust"]) == 0
    (tmp_path / "experiments").mkdir()
    return RunFolder((tmp_path / "outputs" / "latest").resolve())


@pytest.fixture(scope="module", autouse=True)
def _audited() -> None:
    """An audit hook cannot be taken off again; it does nothing while nobody counts."""
    sys.addaudithook(_note)


def reads(run: RunFolder, *words: str, status: int = 0) -> Counter[str]:
    """How often a verb opens each file of a run to read it."""
    global opened
    opened = []
    try:
        assert main([*words]) == status
    finally:
        found, opened = opened, None
    paths = [Path(name).absolute() for name in found]
    inside = [path for path in paths if run.path in path.parents]
    # The lock is opened to see whether a process holds it: nothing is read.
    return Counter(path.relative_to(run.path).as_posix() for path in inside if path != run.lock)


def test_each_file_is_read_at_most_once(run):
    for words in (
        ["ls"],
        ["eval", "latest"],
        ["report", "latest"],
        ["report", "best", "report.gallery=random", "report.averaged_images=50"],
        ["explain", "latest"],
        ["explain", "latest", "--trust"],
        ["rerun", "latest", "trainer.epochs=1", "scheduler.max_lr=0.1", "report.enabled=false"],
        ["record", str(run.path)],
    ):
        counts = reads(run, *words)
        assert counts, words
        assert {name: n for name, n in counts.items() if n > 1} == {}, words
    assert counts["summary.json"] == counts["metrics.csv"] == 1  # of the last, so that it can fail


def test_a_run_that_goes_on_reads_each_file_at_most_once(run):
    interrupted(run)
    counts = reads(run, "resume", str(run.path))
    # Written meanwhile, and read as what they then are: status by the process that takes the lock,
    # metrics by the recorder that goes on with them.
    again = {"status.json", "metrics.csv"}
    assert {name for name, n in counts.items() if n > 1} <= again
    assert max(counts.values()) == 2
