"""Kornia's augmentations compiled with torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.peers import kornia_batches
from benchmarks.peers.whole_batches import loader

__all__ = ["loader", "training_stack"]


def training_stack(mean: Sequence[float], std: Sequence[float]) -> Callable[[Tensor], Tensor]:
    """The same steps, compiled when the first batch arrives."""
    compiled: Callable[[Tensor], Tensor] = torch.compile(kornia_batches.training_stack(mean, std))
    return compiled
