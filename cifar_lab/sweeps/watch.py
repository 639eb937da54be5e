"""Notices at once which job's process died first.

A launcher that loses one of its workers ends the others as well, so that later it cannot be told
which of them was killed.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from pathlib import Path

from cifar_lab.run.files import write_atomically
from cifar_lab.run.sweep_folder import SweepFolder

#: How long a process may run before it is watched.
EVERY_SECONDS = 0.05


class Watch:
    """Watches the processes of the jobs that run, in a thread.

    Where the system has no ``pidfd_open`` (before Linux 5.3, and elsewhere), it notices nothing.

    Args:
        folder: of the sweep.
    """

    def __init__(self, folder: SweepFolder) -> None:
        self._folder = folder
        self._opened: dict[int, int] = {}  # descriptors by process id
        self._died: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sweep watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for descriptor in self._opened.values():
            os.close(descriptor)

    def first_to_die(self, pids: set[int]) -> int | None:
        """Return which of some processes died first; None if that was not seen."""
        return next((pid for pid in self._died if pid in pids), None)

    def _watch(self) -> None:
        while not self._ended.is_set():
            for pid in set(running(self._folder).values()) - self._opened.keys() - {0}:
                descriptor = _opened(pid)
                if descriptor is not None:
                    self._opened[pid] = descriptor
            alive = {d: p for p, d in self._opened.items() if p not in self._died}
            poll = select.poll()
            for descriptor in alive:
                poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll(EVERY_SECONDS * 1000):
                self._died.append(alive[descriptor])


def running(folder: SweepFolder) -> dict[int, int]:
    """Return the process ids of the jobs that run, or died while they ran, by job number.

    The id is 0 for a process on another machine.
    """
    found = {}
    if folder.running.is_dir():
        for marker in folder.running.iterdir():
            if marker.name.isdigit():
                try:
                    pid, _, host = marker.read_text().partition(" ")
                    found[int(marker.name)] = int(pid) if host == socket.gethostname() else 0
                except (OSError, ValueError):  # it has just ended
                    continue
    return found


def mark(folder: SweepFolder, number: int) -> Path:
    """Note that this process runs a job; return the file to remove when it has ended."""
    marker = folder.running / str(number)
    write_atomically(marker, f"{os.getpid()} {socket.gethostname()}")
    return marker


def _opened(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
