"""status.json: whether a run is running, done, failed or interrupted, and since when."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cifar_lab.engine.interrupts import Interrupted
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_json, write_json
from cifar_lab.run.folder import RunFolder

log = logging.getLogger("cifar_lab")


def claim(folder: RunFolder) -> None:
    """Makes the folder this run's own: creating status.json fails where it exists.

    Raises:
        Refusal: another run has the folder, or it cannot be written.
    """
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.status.open("x").close()
    except FileExistsError as error:
        raise Refusal(f"{folder.path} is another run's folder; name a new one") from error
    except OSError as error:
        raise Refusal(f"run folder {folder.path} cannot be written: {error}") from error


@contextlib.contextmanager
def recorded(folder: RunFolder) -> Iterator[None]:
    """Keeps status.json in step with what happens inside; errors are logged and pass through.

    Raises:
        Refusal: another process runs in the folder.
    """
    with _locked(folder):
        earlier = read_json(folder.status) if folder.status.stat().st_size else {}
        status: dict[str, Any] = {
            "state": "running",
            "started": earlier.get("started", _now()),
            "ended": None,
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }
        if earlier:
            status["resumed"] = [*earlier.get("resumed", []), _now()]
        write_json(folder.status, status)
        try:
            yield
        except (Interrupted, KeyboardInterrupt) as interruption:
            write_json(folder.status, {**status, **_end("interrupted", interruption)})
            log.info(f"{interruption}; `cifar-lab resume {folder.path}` goes on")
            raise
        except Refusal as refusal:
            # Refused before it went on: what the run was, it still is; a new one has failed.
            write_json(folder.status, earlier or {**status, **_end("failed", refusal)})
            raise
        except BaseException as error:  # whatever it is, the folder must tell of it
            trace = "".join(traceback.format_exception(error))
            write_json(folder.status, {**status, **_end("failed", error), "traceback": trace})
            log.error(f"failed: {error}")
            raise
        write_json(folder.status, {**status, "state": "done", "ended": _now()})


def state_of(folder: RunFolder) -> str:
    """The recorded state; ``died`` where the process that ran it is gone without a word."""
    try:
        state = str(read_json(folder.status)["state"])
    except (Refusal, KeyError, TypeError):
        return "died"
    return "died" if state == "running" and not _is_locked(folder) else state


@contextlib.contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    """Holds the folder's lock, which the system lets go when the process ends, however it ends."""
    with folder.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(f"{folder.path} still runs, in another process") from error
        yield


def _is_locked(folder: RunFolder) -> bool:
    try:
        with folder.lock.open() as lock:  # for reading: it may be another user's
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _end(state: str, error: BaseException) -> dict[str, Any]:
    return {"state": state, "ended": _now(), "error": f"{type(error).__name__}: {error}"}


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
