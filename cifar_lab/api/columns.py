"""The columns of a table of runs: what each tells of a run."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.results.differing import differing
from cifar_lab.results.filters import setting, whole_key
from cifar_lab.results.listing import COLUMNS, Row, row_of
from cifar_lab.run.record import Run

#: Columns of what a run says of itself, by the names that they have here.
OWN = {"run": "path", "path": "path", "status": "state", "state": "state", "tag": "tags"}
#: Columns after the keys that differ, left out where no run has a value.
RESULTS = (
    "val_accuracy",
    "test_accuracy",
    "val_loss",
    "epochs_trained",
    "parameters",
    "training_seconds",
    "tags",
)
#: Differs between most runs, but is no difference of their configurations.
SEED = "seed"


#: Columns of a list that are keys of the configuration as well, which say more.
CONFIGURED = ("model", "dataset", "name", SEED)


def is_of_row(name: str) -> bool:
    """Whether a column tells what a list tells of a run, rather than its configuration."""
    return name in OWN or (name in COLUMNS and name not in CONFIGURED)


@dataclass(frozen=True)
class Listed:
    """A run of a list. Creating an instance reads nothing."""

    run: Run

    @functools.cached_property
    def row(self) -> Row:
        """What a list tells of it."""
        return row_of(self.run)

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """Its configuration; empty if it is damaged."""
        try:
            return self.run.config
        except Refusal:
            return {}


@dataclass(frozen=True)
class Column:
    """Tells a value of a run.

    Attributes:
        key: of the configuration, or a name of ``COLUMNS``.
        of_row: whether it is the latter.
    """

    key: str
    of_row: bool

    @classmethod
    def named(cls, name: str, runs: Sequence[Run]) -> Column:
        """Return the column with a name: of the run's state, its configuration, or its results.

        Raises:
            Refusal: there is none.
        """
        if is_of_row(name):
            return cls({**COLUMNS, **OWN}[name], True)
        try:
            return cls(whole_key(name, runs), False)
        except Refusal as refusal:
            hint = did_you_mean(name, [*COLUMNS, *OWN])
            told = [p if "?" in p else f"{p}{hint}" for p in refusal.problems]
            raise Refusal(told) from None

    def __call__(self, listed: Listed) -> Any:
        """Return the value of a run; None if it has none, or cannot be read."""
        if self.of_row:
            return getattr(listed.row, self.key)
        try:
            return setting(listed.run, self.key)
        except Refusal:
            return None


def default_columns(listed: Sequence[Listed]) -> dict[str, Column]:
    """Return the columns of a table by name: what differs between the runs, and their results."""
    keys = differing_keys(listed)
    if len({each.config.get(SEED) for each in listed}) > 1:
        keys.append(SEED)
    results = [
        name
        for name in RESULTS
        if any(getattr(each.row, name) not in (None, ()) for each in listed)
    ]
    return {
        "run": Column("path", True),
        "status": Column("state", True),
        **{key: Column(key, False) for key in keys},
        **{name: Column(name, True) for name in results},
    }


def differing_keys(listed: Sequence[Listed]) -> list[str]:
    """Return the keys whose values are not the same in all runs, without the seed and places."""
    configs = [each.config for each in listed if each.config]
    return [each.key for each in differing(configs)] if configs else []
