"""How a run was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Difference:
    """A value that is not the default's: its key, and both values as text."""

    key: str
    default: str
    value: str


class Origin(NamedTuple):
    """How a run was asked for.

    Attributes:
        command: repeats the run.
        differences: of its configuration from the defaults.
    """

    command: str
    differences: list[Difference]
