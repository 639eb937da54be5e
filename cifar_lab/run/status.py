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
    """

    state: Literal["running", "done", "failed", "interrupted"]
    started: str
    ended: str | None
    host: str
    pid: int
    resumed: tuple[str, ...]
    error: str | None
    traceback: str | None


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


@contextlib.contextmanager
def locked(folder: RunFolder, patience_seconds: float = 0.0) -> Iterator[None]:
    """Holds the folder's lock; the system releases it when the process ends for any reason.

    Does nothing if this process holds it already; else deletes what a process that was killed left
    half written.

    Args:
        folder: of a run.
        patience_seconds: how long to wait for another process to release it.

    Raises:
        Refusal: another process holds it.
    """
    path = folder.lock.absolute()
    if path in _HELD:
        yield
        return
    with open(folder.lock, "w", opener=not_followed) as lock:
        _acquire(lock, folder, time.monotonic() + patience_seconds)
        clear_leftovers(folder.path)
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)


def _acquire(lock: IO[str], folder: RunFolder, until: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise Refusal(f"{folder.path} is still running in another process") from error
        time.sleep(0.05)


def is_locked(folder: RunFolder) -> bool:
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
