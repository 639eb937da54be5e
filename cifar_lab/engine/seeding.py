"""The random states that a run depends on."""

from __future__ import annotations

import random
from typing import Any

import torch


def seed_everything(seed: int) -> None:
    """Seed Python and torch on every device; augmentation and order use separate streams."""
    random.seed(seed)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The random states as plain values and tensors, suitable for a checkpoint."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return {"python": random.getstate(), "torch": torch.get_rng_state(), "cuda": cuda}


def restore_random_states(states: dict[str, Any]) -> None:
    """Restore the result of :func:`random_states`."""
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal), gauss))
    torch.set_rng_state(states["torch"].cpu())
    if states["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])


def same_random_states(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the next draws would be the same.

    A CUDA device that has not been used yet is seeded from the CPU seed on first use.
    """
    return (
        one["python"] == other["python"]
        and torch.equal(one["torch"], other["torch"])
        and all(map(torch.equal, one["cuda"], other["cuda"]))
    )
