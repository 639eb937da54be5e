"""The processes that train a model together; a single one unless an engine overrides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """A process's place in its run. Rank 0 leads: it evaluates, decides and writes.

    With several processes, torch's process group must be initialised before ``sum`` and
    ``broadcast``.

    Attributes:
        rank: rank of this process, from 0.
        size: number of processes in the run, over all machines.
    """

    rank: int
    size: int

    @property
    def leads(self) -> bool:
        """Whether this process is the leader."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes, in place."""
        if self.size > 1:
            torch.distributed.all_reduce(values)
        return values

    def broadcast(self, value: T) -> T:
        """Broadcast the leader's value to all processes; waits for the device if size > 1."""
        if self.size == 1:
            return value
        values = [value]
        torch.distributed.broadcast_object_list(values, src=0)
        return values[0]


#: The only process of its run.
ALONE = World(rank=0, size=1)
