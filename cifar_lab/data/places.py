"""Files of a data set, listed for the key of its cache entry."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def files_below(root: Path, places: Iterable[str]) -> list[tuple[str, int, int]]:
    """Name, size in bytes and time of modification in nanoseconds of files.

    Args:
        root: the directory that relative places are in.
        places: files, and folders of which all files count.
    """
    found = []
    for place in places:
        if os.path.isdir(root / place):
            folders = os.walk(root / place, followlinks=True)
            found += [os.path.join(folder, name) for folder, _, names in folders for name in names]
        else:
            found.append(os.fspath(root / place))
    stats = ((path, os.stat(path)) for path in found if os.path.isfile(path))
    return [(os.path.relpath(path, root), stat.st_size, stat.st_mtime_ns) for path, stat in stats]
