"""``cifar_lab.runs``: runs to choose from, to sort, and to make a table of."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from cifar_lab.api.calls import PathLike, given_of
from cifar_lab.api.columns import Column, Listed, default_columns, is_of_row
from cifar_lab.api.groups import Groups
from cifar_lab.api.opened import Run
from cifar_lab.api.table import FrameName, Table
from cifar_lab.own_code import Given
from cifar_lab.refusal import Refusal
from cifar_lab.results.chosen import chosen_runs
from cifar_lab.results.filters import OF_A_RUN, STATES, Filter, whole_key
from cifar_lab.results.listing import COLUMNS, DESCENDING, in_order
from cifar_lab.run.find import find_runs
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.record import Run as Recorded
from cifar_lab.wording import plural

#: Ends a pattern that names everything below a folder.
BELOW = "/**"
#: What a filter calls the state of a run, besides ``state``.
STATUS = "status"


def runs(*patterns: PathLike, config_dir: PathLike | None = None, trust: bool = False) -> Runs:
    """Return all runs that patterns name, each once. Nothing is read before it is needed.

    Args:
        patterns: paths of runs, of sweeps or of folders that contain some; globs of these, such as
            ``"outputs/**"``; or parts of the path of one run or sweep. None for all in outputs.
        config_dir, trust: as for :func:`cifar_lab.open_run`.

    Raises:
        Refusal: when the runs are first needed: with every pattern that names none.
    """
    words = [os.fspath(pattern) for pattern in patterns]
    return Runs(lambda: [Listed(run) for run in _found(words)], given_of(config_dir, trust))


def _found(words: Sequence[str]) -> list[Recorded]:
    if not words:
        return list(find_runs(OUTPUTS))
    folders = [word.removesuffix(BELOW) if word.endswith(BELOW) else word for word in words]
    if len(folders) == 1 and Path(folders[0]) == OUTPUTS and not OUTPUTS.is_dir():
        return []  # before the first run
    return chosen_runs(OUTPUTS, folders)


class Runs(Sequence[Run]):
    """Runs in an order; a slice, a choice and another order are ``Runs`` again.

    Keys are those of the configuration, such as ``"optimizer.lr"`` or only its end where no other
    key ends so; groups, such as ``"model"``; and what ``cifar-lab ls`` shows, such as
    ``"val_accuracy"``.

    Args:
        find: finds them, when they are first needed.
        given: whose Python files their parts may come from.
    """

    def __init__(self, find: Callable[[], list[Listed]], given: Given = Given()) -> None:  # noqa: B008
        self._find, self._given = find, given

    @functools.cached_property
    def _listed(self) -> list[Listed]:
        return self._find()

    def where(self, *fits: Callable[[Run], bool], **values: Any) -> Runs:
        """Choose the runs that have all values.

            runs.where(model="resnet18", status="done", **{"optimizer.lr": 0.1})
            runs.where(val_accuracy=lambda share: share > 0.9)

        Args:
            fits: functions of a run.
            values: by key, the value; or a function of the value, which is not asked about runs
                without one. ``tag`` fits runs that have this tag among others.

        Raises:
            Refusal: with every key that no run has, and every state that does not exist.
        """
        asked, problems = [], []
        for key, value in values.items():
            try:
                asked.append(self._filter(key, value))
            except Refusal as refusal:
                problems += refusal.problems
        if problems:
            raise Refusal(problems)
        chosen = [each for each in self._listed if all(_told(fit, each) for fit in asked)]
        return self._of([c for c in chosen if all(fit(Run(c.run, self._given)) for fit in fits)])

    def _filter(self, key: str, value: Any) -> Callable[[Listed], bool]:
        key = "state" if key == STATUS else key
        if key == "state" and not callable(value) and value not in STATES:
            raise Refusal(f"status={value}: there is no such status; they are: {', '.join(STATES)}")
        if callable(value):
            column = self._column(key)
            return lambda each: (found := column(each)) is not None and bool(value(found))
        if is_of_row(key) and key not in OF_A_RUN:
            column = self._column(key)
            return lambda each: bool(column(each) == value)
        asked = Filter.of(key if key in OF_A_RUN else whole_key(key, self._recorded), value)
        return lambda each: asked.fits(each.run, each.row)

    def sort(self, key: str, *, reverse: bool = False) -> Runs:
        """Sort by a key; runs without a value come last.

        Args:
            key: of which the smallest value comes first; of accuracies, the largest.
            reverse: the other way round.

        Raises:
            Refusal: no run has the key.
        """
        column, descending = self._column(key), COLUMNS.get(key) in DESCENDING
        by_row = {each.row: each for each in self._listed}
        rows = in_order(list(by_row), lambda row: column(by_row[row]), descending != reverse)
        return self._of([by_row[row] for row in rows])

    def group_by(self, exclude: str | Sequence[str] = "seed") -> Groups:
        """Group runs whose configurations differ in nothing but these keys.

        Raises:
            Refusal: no run has one of the keys.
        """
        keys = [exclude] if isinstance(exclude, str) else list(exclude)
        return Groups(self._listed, [whole_key(key, self._recorded) for key in keys])

    def to_frame(self, columns: Sequence[str] | None = None, frame: FrameName = "auto") -> Any:
        """Return a table, a row a run.

        Args:
            columns: keys; None for the path, the status, each key of the configuration that is not
                the same in all of these runs, and the results.
            frame: ``"pandas"``, ``"polars"``, ``"auto"`` for the one that is installed, or None for
                a list of dictionaries.

        Raises:
            Refusal: with every key that no run has; or the library is not installed.
        """
        return self._table(columns).to_frame(frame=frame)

    def _table(self, columns: Sequence[str] | None = None) -> Table:
        if columns is None:
            chosen = default_columns(self._listed)
        else:
            problems: list[str] = []
            chosen = {}
            for key in columns:
                try:
                    chosen[key] = self._column(key)
                except Refusal as refusal:
                    problems += refusal.problems
            if problems:
                raise Refusal(problems)
        return Table([{name: value(e) for name, value in chosen.items()} for e in self._listed])

    def _column(self, key: str) -> Column:
        return Column.named(key, self._recorded)

    @property
    def _recorded(self) -> list[Recorded]:
        return [each.run for each in self._listed]

    def _of(self, listed: list[Listed]) -> Runs:
        return Runs(lambda: listed, self._given)

    def __len__(self) -> int:
        """Number of runs."""
        return len(self._listed)

    def __iter__(self) -> Iterator[Run]:
        return (Run(each.run, self._given) for each in self._listed)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Runs: ...
    def __getitem__(self, index: int | slice) -> Run | Runs:
        if isinstance(index, slice):
            return self._of(self._listed[index])
        return Run(self._listed[index].run, self._given)

    def __repr__(self) -> str:
        return f"{plural(len(self), 'run', 'runs')}\n{self._table()!r}"

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()


def _told(fit: Callable[[Listed], bool], each: Listed) -> bool:
    """Whether a run fits; one whose configuration is damaged does not."""
    try:
        return fit(each)
    except Refusal:
        return False
