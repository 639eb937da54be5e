"""train94 of the airbench package, as in its README; needs CUDA."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from airbench import CifarLoader, evaluate, train94, warmup94


def write_images(source: Any, folder: Path) -> None:
    """Writes images to ``cifar10/`` below the current folder, where airbench reads them.

    Args:
        source: has ``train`` and ``test`` with images and labels.
        folder: will be the current folder.
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
    """Runs its warm-up; returns the seconds."""
    return _seconds(lambda: warmup94(verbose=False))[1]


def train() -> tuple[float, float]:
    """Trains; returns the accuracy with its test-time augmentation, and the seconds of both."""
    return _seconds(lambda: _accuracy(train94(verbose=False)))


def _accuracy(model: Any) -> float:
    """As ``train94`` itself evaluates when it is verbose."""
    return float(evaluate(model, CifarLoader("cifar10", train=False, batch_size=2000), tta_level=2))


def _seconds(function: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = function()
    torch.cuda.synchronize()
    return result, time.perf_counter() - started
