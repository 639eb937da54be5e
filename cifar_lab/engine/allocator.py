"""Memory allocation of the process on a CPU."""

from __future__ import annotations

import ctypes
import sys

#: Parameters of glibc's mallopt (malloc.h).
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
TOP_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> bool:
    """Keep freed memory for later allocations, for the rest of the process.

    By default glibc gets fresh pages from the kernel for every large tensor and returns them when
    it is freed; clearing those pages over and over takes up to a third of a training step. With
    freed memory kept, the process holds its peak memory until it ends.

    Returns:
        False if the C library has no such setting (it is not glibc).
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, TOP_PAD_BYTES))
    return all(mallopt(name, value) == 1 for name, value in settings)
