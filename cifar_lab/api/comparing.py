"""``cifar_lab.compare``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from cifar_lab.api.calls import PathLike
from cifar_lab.api.collection import Runs
from cifar_lab.api.columns import Column, Listed
from cifar_lab.api.opened import Run
from cifar_lab.api.sweeping import Sweep
from cifar_lab.api.table import FrameName, Table
from cifar_lab.refusal import Refusal
from cifar_lab.results.chosen import chosen_runs
from cifar_lab.results.comparison import Comparison as Compared
from cifar_lab.results.comparison import compared
from cifar_lab.results.exported import as_text, records
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.record import Run as Recorded

#: What may be compared.
Comparable = PathLike | Run | Sweep | Iterable[Run]


def compare(
    *runs: Comparable, baseline: Comparable | None = None, metric: str | None = None
) -> Comparison:
    """Compare runs; those that differ in their seed only are one configuration.

        cifar_lab.compare("outputs/digits/*/*", baseline="best")

    Args:
        runs: runs, sweeps, ``Runs``, or their names: paths, globs, ``"latest"``, ``"best"``.
        baseline: with which the others are compared; None for the first.
        metric: ``test_accuracy``, ``val_accuracy``, ``test_loss`` or ``val_loss``; None for the
            accuracy on the images that all have.

    Raises:
        Refusal: with everything that cannot be compared.
    """
    chosen: dict[str, Recorded] = {}
    problems: list[str] = []
    for each in runs:
        try:
            chosen |= _recorded(each)
        except Refusal as refusal:
            problems += refusal.problems
    against: dict[str, Recorded] = {}
    try:
        against = {} if baseline is None else _recorded(baseline)
    except Refusal as refusal:
        problems += [f"baseline: {problem}" for problem in refusal.problems]
    if problems:
        raise Refusal(problems)
    chosen = {**chosen, **{path: run for path, run in against.items() if path not in chosen}}
    first = next((chosen[path] for path in against), None)
    return Comparison(compared(list(chosen.values()), first, metric))


def _recorded(named: Comparable) -> dict[str, Recorded]:
    """Return the runs that are named, by their absolute path."""
    if isinstance(named, (str, os.PathLike)):
        found = chosen_runs(OUTPUTS, [os.fspath(named)])
    elif isinstance(named, Run):
        found = [named.recorded]
    else:
        found = [run.recorded for run in (named.runs if isinstance(named, Sweep) else named)]
    return {str(run.folder.path.resolve()): run for run in found}


class Comparison:
    """Configurations side by side.

    Args:
        found: all that can be said of them.
    """

    def __init__(self, found: Compared) -> None:
        self.found = found

    @property
    def runs(self) -> Runs:
        """The runs that are compared."""
        listed = [Listed(run.run) for each in self.found.configurations for run in each.runs]
        return Runs(lambda: listed)

    @property
    def leaderboard(self) -> Table:
        """A row a configuration: the baseline, then the others, the best first.

        Columns as in ``cifar-lab compare --format csv``; accuracies from 0 to 1.
        """
        rows = records(self.found)
        firsts = [Listed(each.runs[0].run) for each in self.found.configurations]
        for row, first in zip(rows, firsts, strict=True):
            for each in self.found.differing:
                value = Column(each.key, False)(first)
                row[each.key] = row[each.key] if value is None else value
        names = dict.fromkeys(name for row in rows for name in row)
        return Table([{name: row.get(name) for name in names} for row in rows])

    def to_frame(self, columns: Sequence[str] | None = None, frame: FrameName = "auto") -> Any:
        """Return the leaderboard as a data frame; arguments as for :meth:`Table.to_frame`."""
        return self.leaderboard.to_frame(columns, frame)

    def __repr__(self) -> str:
        return as_text(self.found)

    def _repr_html_(self) -> str:
        shown = ("configuration", "runs", *(each.key for each in self.found.differing))
        metric = self.found.metric.name
        names = [*shown, *(n for n in self.leaderboard.columns if n.startswith(metric))]
        table = self.leaderboard
        return Table([{name: row[name] for name in names} for row in table])._repr_html_()
