"""``ls``: lists runs that fit what is asked, in an order that is asked."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any, NoReturn

from cifar_lab.cli.arguments import runs_and_overrides
from cifar_lab.cli.verbs import DONE
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.results.filters import Filter, refuse_unknown, setting, unknown_keys
from cifar_lab.results.listing import (
    COLUMNS,
    DESCENDING,
    Row,
    folded,
    in_order,
    row_of,
    sweep_in_words,
)
from cifar_lab.results.plan import planned_jobs
from cifar_lab.run.files import json_text
from cifar_lab.run.find import find_runs
from cifar_lab.run.folder import LATEST, OUTPUTS, RunFolder
from cifar_lab.run.record import Run
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import aligned

#: Columns that are always there, and the values that they show.
HEADINGS = ("run", "state", "epochs", "validation", "test", "precision")
SHOWN = ("path", "state", "epochs_trained", "val_accuracy", "test_accuracy", "precision")
#: How much of a note is shown, in characters.
NOTE = 40


def ls(words: list[str]) -> int:
    """List runs, by name and then by time, or as ``--sort`` says."""
    flags = _parsed(words)
    runs = list(find_runs(OUTPUTS))
    named = [run for run in runs if all(p in f"{run.folder.path}/" for p in flags.parts)]
    refuse_unknown(flags.filters, named)
    found = _fitting(named, flags.filters)
    value = _sorted_by(flags.sort, named, found) if flags.sort else None
    rows = list(found)
    if value is not None:
        descending = COLUMNS.get(flags.sort) in DESCENDING
        rows = in_order(rows, value, descending != flags.reverse)
    elif flags.reverse:
        rows.reverse()
    extra = None if COLUMNS.get(flags.sort) in SHOWN else value
    if flags.json:
        print(json_text([_as_json(row, flags.sort, value) for row in rows]), end="")
    elif rows:
        print("\n".join(_table(rows, runs, flags, extra)))
    else:
        print(_none(runs, flags.words))
    return DONE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refusal(
            f"{message}; usage: `cifar-lab ls [PART…] [KEY=VALUE…] [--sort COLUMN] [--reverse] "
            "[--all] [--json]`"
        )


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="cifar-lab ls", add_help=False, allow_abbrev=False)
    parser.add_argument("--sort")
    for flag in ("--reverse", "--all", "--json"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("words", nargs="*")
    flags = parser.parse_intermixed_args(list(words))
    parts, filters = runs_and_overrides(flags.words)
    flags.parts = [_part(word) for word in parts]
    flags.filters = [Filter.parsed(word) for word in filters]
    return flags


def _part(word: str) -> str:
    """Return a part of a path; of a folder, as the list shows it, ending in ``/``."""
    path = str(OUTPUTS / LATEST) if word == LATEST else word
    if not os.path.isdir(path):
        return word
    return f"{RunFolder.below_current(os.path.realpath(path)).path}/"


def _fitting(runs: Sequence[Run], filters: Sequence[Filter]) -> dict[Row, Run]:
    """Return the rows of the runs that fit, and name runs of which it cannot be told."""
    found, untold = {}, []
    for run in runs:
        row = row_of(run)
        try:
            if all(each.fits(run, row) for each in filters):
                found[row] = run
        except Refusal:
            untold.append(row.path)
    if untold:
        print(
            f"note: not listed, as their configuration is damaged: {', '.join(untold)}",
            file=sys.stderr,
        )
    return found


def _sorted_by(column: str, runs: Sequence[Run], found: dict[Row, Run]) -> Callable[[Row], Any]:
    """Return what gives the value of a column of a row.

    Args:
        column: as it was typed.
        runs: those before filtering; one of them must have the key.
        found: the rows to sort, and their runs.

    Raises:
        Refusal: there is no such column, and no such key in any configuration.
    """
    if column in COLUMNS:
        return lambda row: getattr(row, COLUMNS[column])
    unknown = unknown_keys([column], runs)
    if unknown:
        hint = did_you_mean(column, COLUMNS) or unknown[column]
        raise Refusal(
            f"--sort {column}: there is no such column; the columns are: {', '.join(COLUMNS)}, "
            f"and each key of the configuration, e.g. optimizer.lr{hint}"
        )

    @functools.cache
    def value(row: Row) -> Any:
        try:
            return setting(found[row], column)
        except Refusal:
            return None

    return value


def _as_json(row: Row, column: str | None, value: Callable[[Row], Any] | None) -> dict[str, Any]:
    """Return a row as a plain object, with the key that rows are sorted by if it has none."""
    also = {} if column is None or value is None or column in COLUMNS else {column: value(row)}
    return {**asdict(row), **also}


def _table(
    rows: Sequence[Row],
    runs: Sequence[Run],
    flags: argparse.Namespace,
    extra: Callable[[Row], Any] | None,
) -> list[str]:
    """Format the list: a line for each run, and for each sweep that is not to be opened."""

    def opened(sweep: str) -> bool:
        above = f"{PurePath(sweep).parent}/"
        return flags.all or any(part not in above for part in flags.parts)

    jobs = Counter(run.folder.path.parent.as_posix() for run in runs)
    lines = folded(rows, opened)
    paths = ["run", *(line.path if isinstance(line, Row) else str(line[0].sweep) for line in lines)]
    width = max(map(len, paths))
    shown = [line for line in lines if isinstance(line, Row)]
    cells = [
        ("run".ljust(width), *HEADINGS[1:]),
        *([r.path.ljust(width), *_cells(r)] for r in shown),
    ]
    more = {"tags": lambda row: ", ".join(row.tags), "note": _beginning}
    if extra is not None:
        more = {flags.sort: lambda row: _text(extra(row)), **more}
    columns = {name: [name, *map(text, shown)] for name, text in more.items()}
    wanted = [column for column in columns.values() if any(column[1:])]
    table = iter(aligned([[*row, *also] for row, *also in zip(cells, *wanted, strict=True)]))
    text = [next(table)] if shown else []
    for line in lines:
        if isinstance(line, Row):
            text.append(next(table))
        else:
            sweep = str(line[0].sweep)
            words = sweep_in_words(line, jobs[sweep], planned_jobs(SweepFolder(Path(sweep))))
            text.append(f"{sweep:<{width}}  {words}")
    return text


def _cells(row: Row) -> tuple[str, ...]:
    epochs = "" if row.epochs_trained is None else f"{row.epochs_trained}/{row.epochs_planned}"
    validation = "damaged" if row.damaged else _share(row.val_accuracy)
    return row.state, epochs, validation, _share(row.test_accuracy), row.precision or ""


def _share(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2%}"


def _text(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _beginning(row: Row) -> str:
    """Return the beginning of a note on one line, without characters that move the cursor."""
    note = "".join(c if c.isprintable() else " " for c in row.note)
    line = " ".join(note.split())
    return line if len(line) <= NOTE else f"{line[: NOTE - 1].rstrip()}…"


def _none(runs: Sequence[Run], words: Sequence[str]) -> str:
    if not runs:
        return f"no runs in {OUTPUTS}/; start one with `cifar-lab train experiments=digits`"
    if len(words) == 1 and "=" not in words[0]:
        why = f"no run has {words[0]!r} in its path"
    else:
        why = f"no run fits {' '.join(words)}"
    return f"{why}; `cifar-lab ls` lists all runs in {OUTPUTS}/ ({len(runs)})"
