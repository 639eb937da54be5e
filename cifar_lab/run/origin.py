"""How a run was asked for."""

from __future__ import annotations

from typing import Any, NamedTuple


class Difference(NamedTuple):
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

    @classmethod
    def recorded(cls, provenance: dict[str, Any]) -> Origin:
        """As provenance.json has it; an older one names no differences."""
        differences = [Difference(**each) for each in provenance.get("differences", [])]
        return cls(provenance["command"], differences)
