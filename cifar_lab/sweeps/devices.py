"""Gives each worker process of a sweep a GPU of its own, where there are several."""

from __future__ import annotations

import fcntl
import os
from typing import IO

import torch

from cifar_lab.results.plan import Plan
from cifar_lab.run.sweep_folder import SweepFolder

#: The locks that this process holds on its GPU, as long as it lives.
_HELD: list[IO[str]] = []
#: The GPU of this process, once it is known.
_CHOSEN: list[str] = []


def device_for(folder: SweepFolder, plan: Plan, device: str) -> str:
    """Return the device of a job: a free GPU for ``auto`` and ``cuda`` where several jobs run.

    Args:
        folder: of the sweep; locks lie in it.
        plan: the sweep's plan.
        device: of the job's configuration.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if plan.workers == 1 or count < 2 or device not in ("auto", "cuda"):
        return device
    if not _CHOSEN:
        _CHOSEN.append(f"cuda:{_free(folder, count)}")
    return _CHOSEN[0]


def _free(folder: SweepFolder, count: int) -> int:
    """Lock the first free GPU and return its number; with more workers than GPUs, some share."""
    folder.running.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        lock = (folder.running / f"cuda-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _HELD.append(lock)
        return number
    return os.getpid() % count
