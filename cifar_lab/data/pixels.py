"""Where a run reads its pixels from: device memory or host memory."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Pixels:
    """Images as one uint8 tensor, on the device if they fit in half of its free memory.

    On a CPU the tensor shares the array's memory: an array mapped from a file stays in the
    system's page cache and is never copied as a whole.

    Args:
        images: uint8 ``(n, height, width, 3)``; never modified.
        device: where batches are computed.
        resident: False keeps the images off a CUDA device, whatever their size.

    Attributes:
        described: where they are kept and why, as shown in the run's log.
    """

    def __init__(self, images: NDArray[np.uint8], device: torch.device, resident: bool) -> None:
        with warnings.catch_warnings():
            # torch warns about read-only arrays, but the tensor is never written to.
            warnings.filterwarnings("ignore", message=".*not writable.*")
            self._tensor = torch.from_numpy(images)
        self.device = device
        free = free_memory(device)
        fits = free is None or images.nbytes < free / 2
        # Known here rather than read off the tensor: "cuda" and its "cuda:0" are not equal.
        self._on_device = device.type == "cpu" or (resident and fits)
        if self._on_device:
            self._tensor = self._tensor.to(device)
        size = f"{images.nbytes / 1e6:,.0f} MB as uint8"
        if device.type == "cpu":
            self.described = f"resident, {size}" if fits else f"streamed from the file, {size}"
        elif self._on_device:
            self.described = f"resident on {device}, {size}"
        else:
            why = "switched off" if fits else "over half of the device's free memory"
            self.described = f"streamed to {device} batch by batch, {size}: {why}"

    def chosen(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """A tensor on the device that contains the given rows, and their indices in it.

        Args:
            rows: int64 ``(batch,)``, on the CPU or the device.

        Returns:
            uint8 ``(m, height, width, 3)`` and int64 ``(batch,)``, both on the device.
        """
        if self._on_device:
            return self._tensor, rows.to(self.device, non_blocking=True)
        batch = self._tensor.index_select(0, rows.cpu()).pin_memory()
        places = torch.arange(len(rows), device=self.device)
        return batch.to(self.device, non_blocking=True), places


def free_memory(device: torch.device) -> int | None:
    """Free memory on a device in bytes; None if the system does not report it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(available.split()[1]) * 1024
    except (OSError, StopIteration):
        return None
