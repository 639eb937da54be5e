"""The processes that train one model together; one alone unless an engine says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """A process among those of its run. The one of rank 0 leads: it evaluates, decides and writes.

    With more than one, torch's process group must stand before anything is summed or agreed.

    Attributes:
        rank: of this process, from 0.
        size: processes of the run, over all machines.
    """

    rank: int
    size: int

    @property
    def leads(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            torch.distributed.all_reduce(values)
        return values

    def agree(self, value: T) -> T:
        """The leader's value, to all; waits for the device where there are several processes."""
        if self.size == 1:
            return value
        values = [value]
        torch.distributed.broadcast_object_list(values, src=0)
        return values[0]


#: The only process of its run.
ALONE = World(rank=0, size=1)
