"""Lets an allocation that the machine cannot hold fail, instead of the process being killed."""

from __future__ import annotations

import contextlib
import re
import resource
from collections.abc import Iterator
from pathlib import Path

#: What torch says, as a RuntimeError, on a CPU and on a GPU.
NO_MEMORY = r"can't allocate memory|not enough memory|out of memory"


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Bound the memory of this process inside to what it has and what the machine has left.

    Linux grants more memory than there is, and ends a process that then uses it. Here, the
    allocation itself fails with an exception. Does nothing where the sizes are unknown.
    """
    used = _kilobytes(Path("/proc/self/status"), "VmData:")
    left = _kilobytes(Path("/proc/meminfo"), "MemAvailable:")
    if used is None or left is None:
        yield
        return
    before, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    limit = 1024 * (used + left)
    if before != resource.RLIM_INFINITY:
        limit = min(limit, before)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hardest))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hardest))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or its cause, says that an allocation failed."""
    if isinstance(error, MemoryError) or re.search(NO_MEMORY, str(error)):
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def _kilobytes(file: Path, field: str) -> int | None:
    try:
        lines = file.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(field))
    except (OSError, StopIteration, ValueError):
        return None
