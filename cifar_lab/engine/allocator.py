"""How the process gets its memory on a CPU."""

from __future__ import annotations

import ctypes
import sys

#: Parameters of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Keeps what was freed for the next allocation, for the rest of the process.

    By default glibc gives every large tensor fresh pages from the kernel and returns them when it
    is freed; clearing those pages again and again takes up to a third of a training step. Kept,
    the process holds its peak until it ends.

    Returns:
        False where the C library has no such switch (it is not glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD_BYTES))
    return all(mallopt(name, value) == 1 for name, value in settings)
