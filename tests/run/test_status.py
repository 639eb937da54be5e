"""Tests that status.json is right however a run ends."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest

from cifar_lab.engine.interrupts import Interrupted
from cifar_lab.refusal import Refusal
from cifar_lab.run.claim import claim
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.status import Status, recorded
from tests.made import a_status


def test_a_run_is_running_inside_and_done_afterwards(folder):
    claim(folder, {})
    with recorded(folder):
        inside = status(folder)
        assert state_of(folder) == "running"
    assert inside.state == "running"
    assert inside.pid == os.getpid()
    assert inside.ended is None
    after = status(folder)
    assert after.state == state_of(folder) == "done"
    started, ended = (datetime.fromisoformat(text) for text in (after.started, after.ended))
    assert started.tzinfo is not None
    assert started <= ended
    assert started == datetime.fromisoformat(inside.started)
    assert after.error is after.traceback is None
    assert after.resumed == ()


def test_an_error_is_recorded_with_its_traceback_and_passed_on(folder):
    error = ZeroDivisionError("nothing to divide by")
    with pytest.raises(ZeroDivisionError) as raised:
        run(folder, error)
    assert raised.value is error
    record = status(folder)
    assert record.state == state_of(folder) == "failed"
    assert record.error == "ZeroDivisionError: nothing to divide by"
    assert "raise error" in record.traceback
    assert record.traceback.endswith("ZeroDivisionError: nothing to divide by\n")
    assert record.ended is not None


@pytest.mark.parametrize(
    ("interruption", "error"),
    [
        (Interrupted(signal.SIGTERM), "Interrupted: interrupted by SIGTERM"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
    ],
)
def test_an_interruption_is_not_a_failure(folder, interruption, error):
    with pytest.raises(type(interruption)):
        run(folder, interruption)
    record = status(folder)
    assert record.state == state_of(folder) == "interrupted"
    assert record.error == error
    assert record.traceback is None


def test_leaving_by_exit_is_not_done(folder):
    with pytest.raises(SystemExit):
        run(folder, SystemExit(1))
    assert state_of(folder) == "failed"


def test_a_resumed_run_remembers_its_start_and_each_resumption(folder):
    with pytest.raises(KeyboardInterrupt):
        run(folder, KeyboardInterrupt())
    first = dataclasses.replace(status(folder), started="2025-01-01T00:00:00+00:00")
    write_object(folder.status, first)
    for number in (1, 2):
        with recorded(folder):
            assert state_of(folder) == "running"
            assert status(folder).error is None
        record = status(folder)
        assert record.state == "done"
        assert record.started == first.started
        assert len(record.resumed) == number
        assert record.error is None


def test_a_run_is_running_until_its_process_is_gone_and_has_then_died(folder):
    claim(folder, {})
    with running_elsewhere(folder) as process:
        assert state_of(folder) == "running"
        with pytest.raises(Refusal, match=f"{folder.path} is still running in another process"):
            run_again(folder)
        assert status(folder).pid == process.pid
    assert status(folder).state == "running"  # it was killed before it could write more
    assert state_of(folder) == "died"
    run_again(folder)
    assert state_of(folder) == "done"


@pytest.mark.parametrize("state", ["done", "failed", "interrupted"])
def test_a_run_that_ended_has_not_died(folder, state):
    claim(folder, {})
    write_object(folder.status, a_status(state=state))
    assert state_of(folder) == state


@pytest.mark.parametrize("content", ["", "{", "{}", "[1]"])
def test_a_run_whose_status_could_not_be_read_has_died(folder, content):
    claim(folder, {})
    folder.status.write_text(content)
    assert state_of(folder) == "died"


def test_a_failure_is_logged_in_one_line(folder, caplog):
    with listening(caplog), pytest.raises(ZeroDivisionError):
        run(folder, ZeroDivisionError("nothing to divide by"))
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "failed: nothing to divide by")


def test_an_interruption_is_logged_with_how_to_continue(folder, caplog):
    with listening(caplog), pytest.raises(Interrupted):
        run(folder, Interrupted(signal.SIGINT))
    expected = f"interrupted by SIGINT; continue with `cifar-lab resume {folder.path}`"
    assert [record.message for record in caplog.records] == [expected]


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "outputs" / "run")


def run(folder: RunFolder, error: BaseException) -> None:
    claim(folder, {})
    with recorded(folder):
        raise error


def status(folder: RunFolder) -> Status:
    return read_object(folder.status, Status)


def state_of(folder: RunFolder) -> str:
    """The current status; a ``Run`` reads it only once."""
    return Run(folder).state


def run_again(folder: RunFolder) -> None:
    with recorded(folder):
        pass


@contextlib.contextmanager
def running_elsewhere(folder: RunFolder) -> Iterator[subprocess.Popen]:
    """Runs in the folder from another process, which is killed at the end."""
    code = (
        "import sys, time; from pathlib import Path; from cifar_lab.run.folder import RunFolder; "
        "from cifar_lab.run.status import recorded\n"
        "with recorded(RunFolder(Path(sys.argv[1]))): print('runs', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "runs\n"
        yield process
        process.kill()


@contextlib.contextmanager
def listening(caplog) -> Iterator[None]:
    """Captures the package's log once, whether or not it propagates to the root logger."""
    log = logging.getLogger("cifar_lab")
    before, log.propagate = log.propagate, False
    log.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, "cifar_lab"):
        yield
    log.removeHandler(caplog.handler)
    log.propagate = before
