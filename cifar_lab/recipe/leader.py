"""Ends a worker process soon after the process that started it has died."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

#: How long a worker outlives its leader at most.
EVERY_SECONDS = 1.0


def end_with(leader: int) -> None:
    """Watch the leader in a thread, and end this process with its own workers once it is gone.

    A leader that is killed can tell nobody, and an operation of the process group may wait half an
    hour for it.

    Args:
        leader: process id of the parent. If it has died already, this process ends at once.
    """
    threading.Thread(target=_watch, args=(leader,), name="leader", daemon=True).start()


def _watch(leader: int) -> None:
    while os.getppid() == leader:
        time.sleep(EVERY_SECONDS)
    for child in multiprocessing.active_children():  # loader workers, which notice it later
        child.kill()
    os._exit(1)
