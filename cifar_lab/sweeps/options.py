"""How a sweep runs and what it concludes: the configuration's ``sweep`` node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cifar_lab.bounds import PositiveFloat


@dataclass(frozen=True)
class SweepOptions:
    """Options of a sweep.

    Attributes:
        objective: what a job returns to the sweeper, of its reported epoch.
        rank: whether configurations are ranked, by validation accuracy.
        open_test: whether a sweep that chooses between configurations evaluates the test images.
        max_minutes: wall time after which no further job starts; None for no limit.
        stop_on_failure: whether no further job starts once one has failed.
    """

    objective: Literal["val_accuracy", "val_loss"]
    rank: bool
    open_test: bool
    max_minutes: PositiveFloat | None
    stop_on_failure: bool
