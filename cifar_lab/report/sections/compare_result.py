"""The result of a comparison: the table, what differs, and the runs."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.results.comparison import Comparison
from cifar_lab.results.table import Column, columns, notes, other_measures
from cifar_lab.wording import plural

#: Most configurations that are the columns of a table; of more, they are its rows.
SIDE_BY_SIDE = 4
#: Of a table with more rows, the others are folded.
UNFOLDED = 30


def result(comparison: Comparison) -> list[Block]:
    """The first screen: the metric with its differences, and how to read them."""
    warned = bool(comparison.not_ranked)
    told = [Text(note, note.startswith("Not ranked")) for note in notes(comparison)]
    # What may not be compared is said before the numbers.
    first = [text for text in told if text.warning] if warned else []
    return [*first, *as_tables(columns(comparison)), *(text for text in told if not text.warning)]


def measures(comparison: Comparison) -> Section:
    """Other metrics and costs, with the difference from the baseline."""
    tables = as_tables(other_measures(comparison))
    told = f"In brackets: the difference from {comparison.baseline.name}."
    return Section("Other measures", [Text(told), *tables])


def configurations(comparison: Comparison) -> Section:
    """The keys that differ, and the folders of the runs."""
    found, all_of_them = comparison.differing, comparison.configurations
    names = [each.name for each in all_of_them]
    blocks: list[Block] = []
    if not found:
        blocks.append(Text("All runs have the same configuration; each is a row of its own."))
    elif len(names) <= SIDE_BY_SIDE:
        rows = [[each.key, *each.values] for each in found]
        header = ("key", *names)
        blocks.append(Table(header, rows, text_columns=range(len(header)), wrapped=True))
    else:
        rows = [
            [name, *(each.values[number] for each in found)] for number, name in enumerate(names)
        ]
        header = ("configuration", *(each.key for each in found))
        blocks.append(
            Table(header, rows, range(len(header)), wrapped=True, folded=_folded(rows, names))
        )
    runs = [
        [each.name, str(run.seed), run.run.folder.path.as_posix()]
        for each in all_of_them
        for run in each.runs
    ]
    label = f"The {plural(len(runs), 'run', 'runs')}"
    blocks.append(Table(("configuration", "seed", "run"), runs, text_columns=(2,), folded=label))
    return Section("What differs", blocks)


def _folded(rows: Sequence[object], names: Sequence[str]) -> str | None:
    return f"All {len(names):,} configurations" if len(rows) > UNFOLDED else None


def as_tables(found: Sequence[Column]) -> list[Table]:
    """Columns as a block; of very many rows, the first ones and, folded, all of them."""
    rows = list(zip(*(column.cells for column in found), strict=True))
    words = [number for number, column in enumerate(found) if column.words]
    header = [column.heading for column in found]
    if len(rows) <= UNFOLDED:
        return [Table(header, rows, words)]
    label = f"All {len(rows):,} rows"
    shown = rows[:UNFOLDED]
    return [Table(header, shown, words), Table(header, rows, words, folded=label)]
