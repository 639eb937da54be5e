"""status.json: whether a run is running, done, failed or interrupted, and since when."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import os
import socket
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from cifar_lab.engine.interrupts import Interrupted, signals_ignored
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import clear_leftovers, not_followed, read_object, write_object
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.sweep_folder import SweepFolder

log = logging.getLogger("cifar_lab")

#: Locks that this process holds.
_HELD: set[Path] = set()


@dataclass(frozen=True)
class Status:
    """Status of a run.

    Attributes:
        state: whether it is running, or how it ended.
        started: time of its start, in ISO 8601 with time zone.
        ended: time of its end; None while it runs.
        host: of the process that runs it or ran it last.
        pid: of that process.
        resumed: times at which it was resumed.
        error: type and message of the exception that ended it; None without one.
        traceback: of a failure; else None.
        deaths: how many times a process that ran it was killed, as far as a sweep noticed.
    """

    state: Literal["running", "done", "failed", "interrupted"]
    started: str
    ended: str | None
    host: str
    pid: int
    resumed: tuple[str, ...]
    error: str | None
    traceback: str | None
    deaths: int = 0

    @property
    def attempts(self) -> int:
        """How many times it was started or continued."""
        return 1 + len(self.resumed)


@contextlib.contextmanager
def recorded(folder: RunFolder) -> Iterator[None]:
    """Keeps status.json up to date with what happens inside; errors are logged and re-raised.

    Raises:
        Refusal: another process is running in the folder.
    """
    with locked(folder):
        # An empty file: the folder was claimed, but the run never started.
        begun = folder.status.is_file() and folder.status.stat().st_size > 0
        earlier = read_object(folder.status, Status) if begun else None
        status = Status(
            state="running",
            started=_now() if earlier is None else earlier.started,
            ended=None,
            host=socket.gethostname(),
            pid=os.getpid(),
            resumed=() if earlier is None else (*earlier.resumed, _now()),
            error=None,
            traceback=None,
            deaths=0 if earlier is None else earlier.deaths,
        )
        write_object(folder.status, status)
        try:
            yield
            folder.require()
            write_object(folder.status, dataclasses.replace(status, state="done", ended=_now()))
        except (Interrupted, KeyboardInterrupt) as interruption:
            with signals_ignored():
                _write_end(folder, _ended(status, "interrupted", interruption))
                why = str(interruption) or "interrupted"
                log.info(f"{why}; continue with `cifar-lab resume {folder.path}`")
            raise
        except Refusal as refusal:
            # Refused before it continued: an earlier status still holds; a new run has failed.
            _write_end(folder, earlier or _ended(status, "failed", refusal))
            raise
        except BaseException as error:  # any error must be recorded
            with signals_ignored():
                trace = "".join(traceback.format_exception(error))
                failed = dataclasses.replace(_ended(status, "failed", error), traceback=trace)
                _write_end(folder, failed)
                log.error(f"failed: {error}")
            raise


def record_death(folder: RunFolder, error: str, killed: bool) -> None:
    """Record how a run ended whose process can no longer do so itself.

    Args:
        folder: of the run, in which no process runs; it is claimed.
        error: what happened, as a sentence.
        killed: whether the process was killed while it ran this run; else it was taken along when
            another was, and the run counts as interrupted.
    """
    with locked(folder):
        begun = folder.status.is_file() and folder.status.stat().st_size > 0
        earlier = read_object(folder.status, Status) if begun else None
        now = _now()
        write_object(
            folder.status,
            Status(
                state="failed" if killed else "interrupted",
                started=now if earlier is None else earlier.started,
                ended=now,
                host=socket.gethostname(),
                pid=os.getpid() if earlier is None else earlier.pid,
                resumed=() if earlier is None else earlier.resumed,
                error=error,
                traceback=None,
                deaths=(0 if earlier is None else earlier.deaths) + killed,
            ),
        )


@contextlib.contextmanager
def locked(folder: RunFolder | SweepFolder, patience_seconds: float = 0.0) -> Iterator[None]:
    """Holds the folder's lock; the system releases it when the process ends for any reason.

    Does nothing if this process holds it already; else deletes what a process that was killed left
    half written.

    Args:
        folder: of a run or a sweep.
        patience_seconds: how long to wait for another process to release it.

    Raises:
        Refusal: another process holds it.
    """
    path = folder.lock.absolute()
    if path in _HELD:
        yield
        return
    with lock_held(folder.lock, folder.path, patience_seconds):
        clear_leftovers(folder.path)
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)


@contextlib.contextmanager
def lock_held(path: Path, folder: Path, patience_seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock file inside; the system releases it when the process ends for any reason.

    Args:
        path: of the lock file.
        folder: that it is for, for messages.
        patience_seconds: how long to wait for another process to release it.

    Raises:
        Refusal: another process holds it.
    """
    with open(path, "w", opener=not_followed) as lock:
        _acquire(lock, folder, time.monotonic() + patience_seconds)
        yield


def _acquire(lock: IO[str], folder: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise Refusal(f"{folder} is still running in another process") from error
        time.sleep(0.05)


def is_locked(folder: RunFolder | SweepFolder) -> bool:
    """Whether a process is running in the folder."""
    try:
        # Read-only: it may belong to another user.
        with open(folder.lock, opener=not_followed) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _write_end(folder: RunFolder, status: Status) -> None:
    """Writes how it ended; if that fails, it counts as died, and what ended it is still told."""
    with contextlib.suppress(OSError):
        folder.require()
        write_object(folder.status, status)


def _ended(status: Status, state: Literal["failed", "interrupted"], error: BaseException) -> Status:
    told = f"{type(error).__name__}: {error}"
    return dataclasses.replace(status, state=state, ended=_now(), error=told)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
