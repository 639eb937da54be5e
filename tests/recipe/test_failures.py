"""What may happen to a run while it trains: one message, the right status, nothing lost."""

from __future__ import annotations

import errno
import gc
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_lab.cli.main import main
from cifar_lab.recipe.failures import explained_failures
from cifar_lab.refusal import RunFailed
from cifar_lab.run.console import Progress
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run

RUN = RunFolder(Path("outputs/run"))
QUICK = [
    "experiments=digits", "model.width=4", "trainer.epochs=3", "trainer.limit_batches=2",
    "trainer.batch_size=64", "trainer.precision=float32", "trainer.workers=0",
    "report.enabled=false", f"hydra.run.dir={RUN.path}",
]  # fmt: skip
#: A step that has no batched form, so that worker processes take it.
BLUR = "+augmentation.train.blur={_target_: albumentations.MedianBlur, p: 1.0}"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_killed_loader_worker_ends_the_run_with_what_to_do(monkeypatch, capfd):
    """torch's handler of SIGCHLD may leave a file of torch's own open: where it tries some out."""

    def kill_a_worker():
        os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)

    in_epoch(2, kill_a_worker, monkeypatch)
    assert main(["train", *QUICK, BLUR, "trainer.workers=1"]) == 1
    message = told(capfd)
    assert message.startswith("failed: DataLoader worker ")
    assert "most often killed for lack of memory: free some, then continue with" in message
    gc.collect()  # closes it while this test ignores the warning
    assert_resumable()


@pytest.mark.parametrize("background", ["true", "false"])
def test_a_full_disk_ends_the_run_with_what_to_do(background, monkeypatch, capfd):
    """Nothing more can be written at all: not even how the run ended."""
    disk = Disk(monkeypatch)
    in_epoch(2, disk.fill, monkeypatch)
    assert main(["train", *QUICK, f"trainer.background_checkpoints={background}"]) == 1
    message = told(capfd)
    assert "No space left on device: 'outputs/run/" in message
    assert message.endswith("free some space, then continue with `cifar-lab resume outputs/run`")
    assert Run(RUN).state == "died"
    assert not list(RUN.path.rglob("*.tmp"))
    disk.empty()
    assert_resumable()


def test_a_disk_that_is_full_only_for_large_files_is_recorded(monkeypatch, capfd):
    disk = Disk(monkeypatch, fits=20_000)
    in_epoch(2, disk.fill, monkeypatch)
    assert main(["train", *QUICK]) == 1
    assert "No space left on device: 'outputs/run/checkpoints/" in told(capfd)
    assert Run(RUN).state == "failed"
    disk.empty()
    assert_resumable()


@pytest.mark.parametrize(("background", "moved"), [("true", False), ("false", True)])
def test_a_deleted_folder_ends_the_run_and_is_not_made_again(background, moved, monkeypatch, capfd):
    def delete():
        RUN.path.rename("moved") if moved else shutil.rmtree(RUN.path)

    in_epoch(2, delete, monkeypatch)
    assert main(["train", *QUICK, f"trainer.background_checkpoints={background}"]) == 1
    message = told(capfd)
    assert message.startswith("failed: outputs/run was deleted or moved while the run was using")
    assert "its new path, else start anew: cifar-lab train experiments=digits" in message
    assert not RUN.path.exists()
    if moved:
        assert main(["resume", "moved"]) == 0


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space, then continue with `cifar-lab resume"),
        (errno.EDQUOT, "free some space, then continue with `cifar-lab resume"),
        (errno.EFBIG, "free some space, then continue with `cifar-lab resume"),
        (errno.EIO, "when this is put right, continue with `cifar-lab resume"),
        (errno.EROFS, "when this is put right, continue with `cifar-lab resume"),
    ],
)
def test_what_the_system_says_is_passed_on_with_advice(tmp_path, number, advice):
    with pytest.raises(RunFailed) as failed, explained_failures(RunFolder(tmp_path), "command"):
        raise OSError(number, os.strerror(number), "file")
    assert str(failed.value).startswith(f"[Errno {number}] {os.strerror(number)}: 'file'; ")
    assert str(failed.value).endswith(f"{advice} {tmp_path}`")


def test_a_mistake_of_the_program_is_not_explained_away(tmp_path):
    with pytest.raises(RuntimeError, match="shapes") as raised:
        with explained_failures(RunFolder(tmp_path), "command"):
            raise RuntimeError("shapes do not match")
    assert not isinstance(raised.value, RunFailed)


class Disk:
    """A disk that can be filled: then writing to it fails as the system says it does.

    Args:
        monkeypatch: undoes it at the end.
        fits: size in bytes of files that can be written all the same.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fits: int = 0) -> None:
        self._full = False
        self._fits = fits
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._written)

    def fill(self) -> None:
        self._full = True

    def empty(self) -> None:
        self._full = False

    def _written(self, descriptor: int) -> None:
        if self._full and os.fstat(descriptor).st_size > self._fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(descriptor)


def in_epoch(epoch: int, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Does something once, after the first batch of an epoch."""
    acted = []

    def on_batch_end(self, state):
        if state.epoch + 1 == epoch and not acted:
            acted.append(True)
            act()

    monkeypatch.setattr(Progress, "on_batch_end", on_batch_end)


def told(capfd: pytest.CaptureFixture[str]) -> str:
    """The only line that tells of the failure; there is no traceback."""
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert err == ""
    (line,) = [line for line in out.splitlines() if line.startswith("failed: ")]
    return line


def assert_resumable() -> None:
    """The run goes on from the epoch before, and is then done."""
    assert main(["resume", str(RUN.path)]) == 0
    assert [row["epoch"] for row in read_metrics(RUN.metrics)] == [1, 2, 3]
    status = json.loads(RUN.status.read_text())
    assert (status["state"], len(status["resumed"])) == ("done", 1)
