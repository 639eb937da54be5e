"""The airbench package's train94, as its README runs it; needs CUDA."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from airbench import train94, warmup94


def write_images(source: Any, folder: Path) -> None:
    """Writes images where airbench looks for them, ``cifar10/`` below the current folder.

    Args:
        source: has ``train`` and ``test`` with images and labels.
        folder: will be the current one.
    """
    (folder / "cifar10").mkdir()
    for split in ("train", "test"):
        arrays = getattr(source, split)
        contents = {
            "images": torch.from_numpy(np.array(arrays.images)),
            "labels": torch.from_numpy(np.array(arrays.labels)),
            "classes": list(arrays.class_names),
        }
        torch.save(contents, folder / "cifar10" / f"{split}.pt")


def warm_up() -> float:
    """Seconds of its warm-up run."""
    return _seconds(warmup94)[1]


def train() -> tuple[float, float]:
    """Accuracy with its test-time augmentation, and the seconds of a whole run."""
    return _seconds(train94)


def _seconds(function: object) -> tuple[float, float]:
    assert callable(function)
    started = time.perf_counter()
    accuracy = function(verbose=False)
    torch.cuda.synchronize()
    return float(accuracy), time.perf_counter() - started
