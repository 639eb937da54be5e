"""How a run was requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Difference:
    """A value that differs from the default: its key, and both values as text."""

    key: str
    default: str
    value: str


class Origin(NamedTuple):
    """How a run was requested.

    Attributes:
        command: repeats the run.
        differences: between its configuration and the defaults.
        replaced: files below ``--config-dir`` that were used instead of packaged ones.
    """

    command: str
    differences: list[Difference]
    replaced: tuple[str, ...] = ()
