"""Images in a file that is written one by one and read as an array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Number of images that are copied at a time.
COPIED_AT_ONCE = 4096


class PixelFile:
    """A memory-mapped file of images; those whose size differs from the first are dropped.

    Args:
        path: the file, in numpy's format.
        most: largest number of images; space for them is reserved with the first.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path, self._most, self._count = path, most, 0
        self._map: np.memmap[Any, np.dtype[np.uint8]] | None = None

    def append(self, image: NDArray[np.uint8]) -> None:
        """Write an image, uint8 ``(height, width, 3)``.

        Raises:
            OSError: there is no space for all images.
        """
        if self._map is None:
            self._map = self._mapped(self._path, (self._most, *image.shape))
        if image.shape == self._map.shape[1:]:
            self._map[self._count] = image
            self._count += 1

    def images(self) -> NDArray[np.uint8]:
        """The images, uint8 ``(n, height, width, 3)``, mapped; the file is cut to their number."""
        assert self._map is not None, "a split without images is refused earlier"
        if self._count < self._most:
            whole, unfinished = self._map, self._path.with_suffix(".shorter")
            self._map = self._mapped(unfinished, (self._count, *whole.shape[1:]))
            for start in range(0, self._count, COPIED_AT_ONCE):
                end = min(start + COPIED_AT_ONCE, self._count)
                self._map[start:end] = whole[start:end]
            unfinished.replace(self._path)
        self._map.flush()  # before the cache entry gets its final name
        return self._map

    @staticmethod
    def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
        mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        # The file is sparse: writing to it on a full disk would end the process with SIGBUS.
        descriptor = os.open(path, os.O_RDWR)
        try:
            if hasattr(os, "posix_fallocate"):  # macOS has none
                os.posix_fallocate(descriptor, 0, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)
        return mapped
