"""``trainer=lightning``: one process, two processes over gloo, two machines."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from cifar_lab.cli.main import main
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.metrics import read_metrics
from cifar_lab.run.record import Run
from tests.conftest import BESIDE

pytestmark = [pytest.mark.slow, pytest.mark.extra("lightning")]

TIMES = {"epoch_seconds", "evaluation_seconds", "images_per_second"}
#: Digits in float32; 1,280 training images are whole batches of any size below.
QUICK = [
    "dataset=digits", "dataset.limit_train_images=1280", "dataset.validation_fraction=0",
    "augmentation=none", "optimizer=sgd", "scheduler.max_lr=0.05",
    "trainer.precision=float32", "trainer.epochs=2", "report.enabled=false",
]  # fmt: skip
PLAIN = ["model._target_=tests.cli.nets.Plain", "~model.width", *BESIDE]
TWO = ["trainer=lightning", "trainer.devices=2"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def test_two_processes_do_what_one_does_at_twice_the_batch(tmp_path):
    one = train(tmp_path / "one", *PLAIN, "trainer.batch_size=64")
    two = train(tmp_path / "two", *PLAIN, "trainer.batch_size=32", *TWO)
    for expected, row in zip(rows(one), rows(two), strict=True):
        assert row == pytest.approx(expected, rel=1e-4)
    for name, expected in weights(one).items():
        torch.testing.assert_close(weights(two)[name], expected, rtol=1e-4, atol=1e-5)
    assert json.loads(two.provenance.read_text())["processes"] == 2


def test_both_ranks_end_with_equal_weights_and_one_writes(tmp_path):
    normed = ["model._target_=tests.cli.nets.Normed", "~model.width", f"+model.folder={tmp_path}"]
    normed += BESIDE
    run = train(tmp_path / "run", *normed, "trainer.batch_size=50", *TWO)
    follower = torch.load(tmp_path / "follower.pt", weights_only=True)
    for name, leading in weights(run).items():
        if "running" not in name:  # each has seen its own images
            assert torch.equal(follower[name], leading), name
    assert {path.name for path in tmp_path.iterdir()} == {"run", "follower.pt"}
    assert rows(run)[-1]["train_loss"] < rows(run)[0]["train_loss"]


def test_a_process_that_fails_ends_the_run_and_is_named(tmp_path, capfd):
    failing = ["model._target_=tests.cli.nets.Failing", "~model.width", *BESIDE]
    started = time.monotonic()
    words = [*QUICK, *failing, "trainer.batch_size=32", *TWO]
    assert main(["train", *words, f"hydra.run.dir={tmp_path / 'run'}"]) == 1
    assert time.monotonic() - started < 120
    run = RunFolder(tmp_path / "run")
    status = json.loads(run.status.read_text())
    assert status["state"] == "failed"
    assert (
        "process 1 on this machine failed with status 1: ValueError: three is too many"
        in (status["error"])
    )
    assert "in forward" in run.log.read_text()  # its traceback


def test_a_leader_that_is_killed_takes_its_processes_along(tmp_path):
    run = RunFolder(tmp_path / "run")
    words = [*QUICK, *PLAIN, "trainer.batch_size=8", "trainer.epochs=50", *TWO]
    leader = command("train", *words, f"hydra.run.dir={run.path}")
    while not run.metrics.is_file():
        assert leader.poll() is None
        time.sleep(0.05)
    assert len(followers_of(leader.pid)) == 1
    leader.kill()
    leader.wait(10)
    deadline = time.monotonic() + 10
    while followers_of(leader.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert Run(run).state == "died"


def test_a_process_that_does_not_end_costs_no_run(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.recipe.processes.PATIENCE_SECONDS", 0.5)
    lingering = ["model._target_=tests.cli.nets.Lingering", "~model.width", *BESIDE]
    run = train(tmp_path / "run", *lingering, "trainer.batch_size=32", *TWO)
    assert "process 1 on this machine did not exit within 0.5 seconds" in run.log.read_text()
    assert json.loads(run.status.read_text())["state"] == "done"


def test_a_loss_that_is_not_finite_is_the_leaders_to_tell(tmp_path):
    words = [*QUICK, *PLAIN, "trainer.batch_size=32", "scheduler.max_lr=1e30", *TWO]
    assert main(["train", *words, f"hydra.run.dir={tmp_path / 'run'}"]) == 1
    error = json.loads(RunFolder(tmp_path / "run").status.read_text())["error"]
    assert error.startswith("NonFinite: the training loss became non-finite in epoch 1")


def test_ctrl_c_sigterm_and_resume_end_where_an_uninterrupted_run_does(tmp_path):
    words = [*QUICK, *PLAIN, "trainer.batch_size=8", "trainer.epochs=6", *TWO]
    whole, run = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "stopped")
    assert command("train", *words, f"hydra.run.dir={whole.path}").wait(200) == 0
    process = command("train", *words, f"hydra.run.dir={run.path}")
    stop_after(process, run, epochs=1, signum=signal.SIGINT)
    process = command("resume", str(run.path))
    stop_after(process, run, epochs=len(rows(run)) + 1, signum=signal.SIGTERM)
    assert command("resume", str(run.path)).wait(200) == 0
    assert rows(run) == rows(whole)


def test_a_second_machine_trains_along_and_writes_nothing(tmp_path):
    words = [*QUICK, *PLAIN, "trainer.batch_size=32", "trainer=lightning", "trainer.num_nodes=2"]
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = str(listening.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    machines = [
        command(
            "train", *words, f"hydra.run.dir={tmp_path}/machine{rank}", NODE_RANK=str(rank), **place
        )
        for rank in range(2)
    ]
    assert [machine.wait(200) for machine in machines] == [0, 0]
    assert not (tmp_path / "machine1").exists()
    one = train(tmp_path / "one", *PLAIN, "trainer.batch_size=64")
    for expected, row in zip(rows(one), rows(RunFolder(tmp_path / "machine0")), strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


def test_without_lightning_it_is_refused_and_the_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cifar_lab.refusal.find_spec", lambda name: None)
    assert main(["train", *QUICK, "trainer=lightning", "optimizer.momentum=2"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert any("pip install 'cifar-lab[lightning]', or use trainer=native" in x for x in lines)
    assert len(lines) == 2
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("words", "place", "message"),
    [
        (["trainer.num_nodes=2"], {}, "needs MASTER_ADDR and MASTER_PORT in the environment"),
        ([], {"RANK": "1"}, "gives this process rank 1, .* makes only 1 processes"),
        (
            ["trainer.devices=3", "trainer.batch_size=426"],
            {},
            "leaves a last batch of 2 of the 1280 .* for 3 processes",
        ),
        (["trainer.strategy=fsdp"], {}, "must be 'auto', 'ddp' or"),
    ],
)
def test_what_cannot_be_trained_on_several_devices_is_refused(
    words, place, message, monkeypatch, capsys
):
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    assert main(["check", *QUICK, "trainer=lightning", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(message, line), line


def train(folder: Path, *words: str) -> RunFolder:
    assert main(["train", *QUICK, *words, f"hydra.run.dir={folder}"]) == 0
    return RunFolder(folder)


def command(*words: str, **environment: str) -> subprocess.Popen[bytes]:
    """The command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cifar_lab", *words],
        env={**os.environ, **environment},
        start_new_session=True,
    )


def followers_of(leader: int) -> list[int]:
    """Process ids of the workers that a leader has started and that still run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().split(b"\0")
            if b"cifar_lab.recipe.processes" in words and str(leader).encode() in words:
                found.append(int(file.parent.name))
    return found


def stop_after(
    process: subprocess.Popen[bytes], run: RunFolder, epochs: int, signum: signal.Signals
) -> None:
    """Signals the whole group, as a terminal does, once so many epochs are recorded."""
    while not run.metrics.is_file() or len(rows(run)) < epochs:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signum)
    assert process.wait(100) == 128 + signum
    assert json.loads(run.status.read_text())["state"] == "interrupted"


def rows(run: RunFolder) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in read_metrics(run.metrics)]


def weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return torch.load(run.last_checkpoint, weights_only=True)["model"]
