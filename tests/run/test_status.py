"""Tests that status.json is right however a run ends."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from cifar_lab.engine.interrupts import Interrupted, StopRequest
from cifar_lab.refusal import Refusal
from cifar_lab.run.claim import claim
from cifar_lab.run.files import read_object, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.status import Status, is_locked, recorded
from tests.conftest import logged
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


@pytest.mark.parametrize("first", ["error", "signal"])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_keep_the_end_from_being_recorded(
    folder, monkeypatch, caplog, first, second
):
    """It arrives while status.json is written."""
    claim(folder, {})
    stop = StopRequest()
    raised = Interrupted if first == "signal" else ZeroDivisionError
    with logged(caplog), stop.listening(), pytest.raises(raised), recorded(folder):
        monkeypatch.setattr(os, "fsync", raise_once(second, os.fsync))
        if first == "signal":
            signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError
    assert state_of(folder) == {"signal": "interrupted", "error": "failed"}[first]
    if first == "signal":
        assert caplog.messages == [
            f"interrupted by SIGINT; continue with `cifar-lab resume {folder.path}`"
        ]


def test_a_signal_while_done_is_written_leaves_a_run_that_can_be_continued(folder, monkeypatch):
    claim(folder, {})
    stop = StopRequest()
    with stop.listening(), pytest.raises(Interrupted), recorded(folder):
        monkeypatch.setattr(os, "fsync", raise_once(signal.SIGINT, os.fsync))
    assert state_of(folder) == "interrupted"


def test_an_end_that_cannot_be_recorded_hides_nothing(folder, monkeypatch):
    claim(folder, {})
    with pytest.raises(ZeroDivisionError), recorded(folder):
        monkeypatch.setattr(os, "fsync", full)
        raise ZeroDivisionError
    assert state_of(folder) == "died"


def test_a_folder_that_was_deleted_is_not_made_again_at_the_end(folder):
    for error in (None, ZeroDivisionError(), KeyboardInterrupt(), Refusal("no")):
        claim(folder, {})
        with pytest.raises(FileNotFoundError if error is None else type(error)):
            with recorded(folder):
                shutil.rmtree(folder.path)
                if error is not None:
                    raise error
        assert not folder.path.exists()


def test_a_run_without_a_status_is_what_its_lock_and_summary_tell(folder):
    claim(folder, {})
    with recorded(folder):
        folder.status.unlink()
        assert state_of(folder) == "running"
        write_object(folder.status, a_status())
    folder.status.unlink()
    assert state_of(folder) == "died"
    folder.summary.touch()
    assert state_of(folder) == "done"
    run_again(folder)
    assert status(folder).state == "done"


def test_what_a_killed_process_left_half_written_is_deleted_by_the_next(folder):
    claim(folder, {})
    left = [folder.path / ".summary.json.123.tmp", folder.path / "figures" / ".a.png.77.tmp"]
    kept = [folder.path / name for name in (".a.tmp", "a.1.tmp", "figures/.tmp", ".lock")]
    for file in (*left, *kept):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    run_again(folder)
    assert [file for file in left if file.exists()] == []
    assert [file for file in kept if not file.exists()] == []


def test_a_link_in_place_of_the_lock_is_not_followed(folder, tmp_path):
    claim(folder, {})
    mine = tmp_path / "mine"
    mine.write_text("mine")
    folder.lock.symlink_to(mine)
    with pytest.raises(OSError, match="symbolic links"):
        run_again(folder)
    assert mine.read_text() == "mine"
    assert not is_locked(folder)


@pytest.mark.parametrize("name", ["run.log", ".hydra", "checkpoints", "deep/er/link"])
def test_a_folder_with_a_link_inside_is_not_claimed(folder, tmp_path, name):
    link = folder.path / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path)
    with pytest.raises(Refusal, match=f"{folder.path} is not empty; choose a new name"):
        claim(folder, {"config.yaml": "seed: 0"})
    assert link.is_symlink()
    assert not folder.exists()


def test_a_failure_is_logged_in_one_line(folder, caplog):
    with logged(caplog), pytest.raises(ZeroDivisionError):
        run(folder, ZeroDivisionError("nothing to divide by"))
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("ERROR", "failed: nothing to divide by")


def test_an_interruption_is_logged_with_how_to_continue(folder, caplog):
    with logged(caplog), pytest.raises(Interrupted):
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


def raise_once(signum: signal.Signals, then: Callable[[int], None]) -> Callable[[int], None]:
    """Raises a signal at the first call only, before it does the rest."""
    raised = []

    def call(descriptor: int) -> None:
        if not raised:
            raised.append(True)
            signal.raise_signal(signum)
        then(descriptor)

    return call


def full(*_) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


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
