from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.trackers import Tracker
from tests.trackers import trouble
from tests.trackers.runs import ROWS, a_sent_run, goes_on, seen, trained


@pytest.fixture
def told(caplog) -> list[str]:
    class Told(list[str]):
        def __iter__(self):
            return iter([r.getMessage() for r in caplog.records if r.name == "cifar_lab"])

        def __len__(self) -> int:
            return len(list(iter(self)))

    return Told()


def written(path: Path) -> list[str]:
    return (path / "written").read_text().splitlines()


def test_what_is_sent_and_how_it_ended(tmp_path, told):
    tracker = trouble.Writing(patience=60)
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    assert written(view.path)[-2:] == ["[1, 2, 3]", "done"]
    assert list(told) == []


@pytest.mark.parametrize(
    ("why", "state"),
    [("interrupted by SIGTERM", "interrupted"), ("the loss is not finite", "failed")],
)
def test_a_run_that_is_broken_off(tmp_path, why, state, monkeypatch):
    monkeypatch.setattr("cifar_lab.trackers.tracker.GRACE_SECONDS", 60)
    tracker = trouble.Writing(patience=60)
    view = a_sent_run(tmp_path / "run", tracker, "failed")
    tracker.on_run_start(view)
    tracker.on_run_broken_off(view, why)
    assert written(view.path)[-1] == state


def test_epochs_are_sent_while_the_run_goes_on(tmp_path):
    tracker = trouble.Writing(patience=60)
    view = a_sent_run(tmp_path / "run", tracker, rows=ROWS[:1])
    tracker.on_run_start(view)
    until(lambda: (view.path / "written").is_file() and written(view.path) == ["[1]"])
    goes_on(RunFolder(view.path), ROWS[:2])
    until(lambda: written(view.path) == ["[1]", "[1, 2]"])
    tracker.on_run_end(view, Run(RunFolder(view.path)).summary)


def until(holds) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError


def test_a_tracker_that_hangs_costs_no_more_than_patience(tmp_path, told):
    tracker = trouble.Hanging(patience=1.5)
    view = a_sent_run(tmp_path / "run", tracker)
    tracker.on_run_start(view)
    process = tracker._sending._process
    started = time.monotonic()
    for row in ROWS * 300:
        tracker.on_epoch_end(view, row)
    assert time.monotonic() - started < 1
    tracker.on_run_end(view, Run(RunFolder(view.path)).summary)
    assert 1.5 < time.monotonic() - started < 6
    (line,) = told
    assert line == (
        f"hooks.json: not everything was sent within 1.5 s; `cifar-lab sync {view.path}` sends "
        "the rest"
    )
    assert process.returncode == -signal.SIGKILL


def test_a_run_that_is_interrupted_waits_less(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.trackers.tracker.GRACE_SECONDS", 0.2)
    tracker = trouble.Hanging(patience=1000)
    view = a_sent_run(tmp_path / "run", tracker, "interrupted")
    tracker.on_run_start(view)
    started = time.monotonic()
    tracker.on_run_broken_off(view, "interrupted by SIGINT")
    assert time.monotonic() - started < 5


def test_ctrl_c_ends_the_waiting(tmp_path):
    tracker = trouble.Hanging(patience=1000)
    view = a_sent_run(tmp_path / "run", tracker)
    tracker.on_run_start(view)
    process = tracker._sending._process
    key = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    key.start()
    started = time.monotonic()
    with StopRequest().listening(), pytest.raises(Interrupted):
        tracker.on_run_end(view, Run(RunFolder(view.path)).summary)
    assert time.monotonic() - started < 10
    key.join()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (trouble.Failing, "ConnectionError: nobody answers"),
        (trouble.Dying, "the process that sends it has died"),
    ],
)
def test_what_fails_is_told_once(tmp_path, told, kind, problem):
    tracker = kind(patience=60)
    view = a_sent_run(tmp_path / "run", tracker)
    tracker.on_run_start(view)
    until(lambda: tracker._sending.failure() is not None)
    for row in ROWS:
        tracker.on_epoch_end(view, row)
    tracker.on_run_end(view, Run(RunFolder(view.path)).summary)
    (line,) = told
    assert line == (
        f"hooks.json: {problem}; the run does not need it, and `cifar-lab sync {view.path}` sends "
        "what is missing"
    )


def test_if_the_process_that_trains_is_gone_the_run_is_ended_as_interrupted(tmp_path):
    tracker = trouble.Writing(patience=60)
    view = a_sent_run(tmp_path / "run", tracker)
    tracker.on_run_start(view)
    tracker._sending._words.close()  # as the system does for a process that was killed
    until(lambda: (view.path / "written").is_file() and written(view.path)[-1] == "interrupted")
    tracker._sending.stop()


def test_after_a_failure_everything_is_sent(tmp_path):
    tracker = trouble.FailingAtFirst(patience=60)
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    assert written(view.path) == ["[1, 2, 3]", "done"]


def test_a_package_that_is_not_installed_is_told_and_the_run_goes_on(tmp_path, told):
    tracker = trouble.Absent(patience=60)
    view = a_sent_run(tmp_path / "run", tracker)
    trained(tracker, view)
    assert list(told) == [
        "hooks.no_such_package: no_such_package is not installed, so nothing is sent there; "
        "install it with `pip install 'cifar-lab[no_such_package]'`, then send it with "
        f"`cifar-lab sync {view.path}`"
    ]


def test_nothing_of_the_library_reaches_the_run(tmp_path, capfd):
    tracker = trouble.Meddling(patience=60)
    view = a_sent_run(tmp_path / "run", tracker)
    before = state_of_the_process()
    trained(tracker, view)
    assert state_of_the_process() == before
    assert capfd.readouterr() == ("", "")
    assert written(view.path)[-1] == "done"
    printed = (view.path / "hooks" / "json" / "sending.log").read_text()
    assert "a banner" in printed
    assert "another banner" in printed


def state_of_the_process() -> list[object]:
    return [
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        signal.getsignal(signal.SIGINT),
        sys.excepthook,
        sys.exit,
        threading.active_count(),
        dict(os.environ),
    ]


def test_the_name_is_that_of_the_configuration(tmp_path):
    """Of several of a kind, each has its own folder."""
    tracker = trouble.Writing(patience=1)
    view = a_sent_run(tmp_path / "run", tracker)
    target = "tests.trackers.trouble.Writing"
    view.config["hooks"]["mine"] = {"_target_": target, "patience": 1}  # type: ignore[index]
    del view.config["hooks"]["json"]
    assert tracker._name(view) == "mine"
    assert isinstance(tracker, Tracker)
    view.config["hooks"].clear()
    assert tracker._name(view) == "json"


def test_a_resumed_run_sends_to_the_same_folder(tmp_path):
    tracker = trouble.Writing(patience=60)
    view = a_sent_run(tmp_path / "run", tracker, "interrupted", ROWS[:1])
    tracker.on_run_start(view)
    tracker._end(view, "interrupted", 60)
    goes_on(RunFolder(view.path), ROWS)
    tracker.on_run_start(seen(RunFolder(view.path)))
    tracker._end(view, "failed", 60)
    assert [path.name for path in (view.path / "hooks").iterdir()] == ["json"]
