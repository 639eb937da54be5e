"""Reproducible draws of code that draws from the global random states."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def global_draws(entropy: tuple[int, ...]) -> Iterator[None]:
    """Let the global random states of torch, numpy and Python depend on some numbers only.

    They are restored on exit. Those of a CUDA device are left alone: steps run on the CPU.
    """
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        torch.default_generator.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        yield
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])
