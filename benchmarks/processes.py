"""Runs commands and measures wall time, processor time and memory."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The installed command, next to the interpreter.
CIFAR_LAB = Path(sys.executable).with_name("cifar-lab")


@dataclass(frozen=True)
class Finished:
    """A command that succeeded.

    Attributes:
        wall_seconds: from its start to its end.
        cpu_seconds: user and system time, including children that it waited for.
        output: its stdout.
        peak_bytes: peak resident memory including pages of mapped files; 0 if not watched.
        peak_anonymous_bytes: peak resident memory without pages of mapped files, which the kernel
            may drop; 0 if not watched.
    """

    wall_seconds: float
    cpu_seconds: float
    output: str
    peak_bytes: int
    peak_anonymous_bytes: int


def run(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    watch_memory: bool = False,
) -> Finished:
    """Runs a command and kills the processes that it leaves behind.

    Raises:
        RuntimeError: it failed; the message has the end of its stderr.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=out,
            stderr=err,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        watch = _Watch(process.pid) if watch_memory else None
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        peaks = (0, 0) if watch is None else watch.stop()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # e.g. loader workers of a process that exited
        out.seek(0), err.seek(0)
        if process.returncode != 0:
            tail = err.read()[-2000:]
            raise RuntimeError(f"{command} ended with {process.returncode}: {tail}")
        cpu = usage.ru_utime + usage.ru_stime
        return Finished(wall, cpu, out.read(), *peaks)


class _Watch:
    """Samples the memory of a process.

    The kernel keeps a peak of the sum only, and its peak for a finished child (ru_maxrss) includes
    the memory of this process at the fork.
    """

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/status")
        self._peaks = {"VmHWM": 0, "RssAnon": 0}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[int, int]:
        """Returns the peaks of total and of anonymous memory, in bytes."""
        self._done.set()
        self._thread.join()
        return self._peaks["VmHWM"], self._peaks["RssAnon"]

    def _sample(self) -> None:
        while not self._done.wait(0.01):
            try:
                text = self._path.read_text()
            except OSError:
                return
            for name, peak in self._peaks.items():
                found = re.search(rf"{name}:\s+(\d+) kB", text)
                self._peaks[name] = max(peak, int(found[1]) * 1024 if found else 0)
