"""Rows of values: shown by a notebook, and handed on as a data frame."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Literal, overload

from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.wording import aligned

#: What a table becomes: ``auto`` is pandas where it is installed, else polars, else None; None is a
#: list of dictionaries.
FrameName = Literal["auto", "pandas", "polars"] | None
FRAMES: tuple[FrameName, ...] = ("pandas", "polars")
#: Most rows that are shown.
SHOWN = 50


class Table(Sequence[dict[str, Any]]):
    """Rows with named columns; each row is a dictionary.

    Args:
        rows: with the same keys.
    """

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._rows = list(rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._rows[0]) if self._rows else []

    def to_frame(self, columns: Sequence[str] | None = None, frame: FrameName = "auto") -> Any:
        """Return the rows as a data frame.

        Args:
            columns: to keep, in this order; None for all.
            frame: ``"pandas"``, ``"polars"``, ``"auto"`` for the one that is installed, or None for
                a list of dictionaries.

        Raises:
            Refusal: there is no such column, or the library is not installed.
        """
        rows = self._rows
        if columns is not None:
            self._refuse_unknown(columns)
            rows = [{name: row[name] for name in columns} for row in rows]
        return framed(rows, frame)

    def _refuse_unknown(self, columns: Sequence[str]) -> None:
        problems = [
            f"columns: there is no column '{name}'{did_you_mean(name, self.columns)}; the columns "
            f"are: {', '.join(self.columns)}"
            for name in columns
            if self._rows and name not in self.columns
        ]
        if problems:
            raise Refusal(problems)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Table: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Table:
        return Table(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __repr__(self) -> str:
        if not self._rows:
            return "(no rows)"
        cells = [[cell(row[name]) for name in self._shown] for row in self._rows[:SHOWN]]
        return "\n".join([*aligned([self._shown, *cells]), *_more(len(self))])

    def _repr_html_(self) -> str:
        if not self._rows:
            return "<p>(no rows)</p>"
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self._shown)
        body = "".join(
            f"<tr>{''.join(_html_cell(row[name]) for name in self._shown)}</tr>"
            for row in self._rows[:SHOWN]
        )
        more = "".join(f"<p>{html.escape(line)}</p>" for line in _more(len(self)))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    @property
    def _shown(self) -> list[str]:
        """The columns that are not empty."""
        return [name for name in self.columns if any(cell(row[name]) for row in self._rows)]


def cell(value: Any) -> str:
    """Format a value for a table; long numbers are rounded, None is empty."""
    if value is None or value == ():
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(cell, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _html_cell(value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    side = "right" if number else "left"
    return f'<td style="text-align: {side}">{html.escape(cell(value))}</td>'


def _more(count: int) -> list[str]:
    return [f"Showing {SHOWN} of {count:,}."] if count > SHOWN else []


def framed(rows: Sequence[dict[str, Any]], frame: FrameName) -> Any:
    """Return rows as a data frame, as :meth:`Table.to_frame` does.

    Columns keep their type where values are missing: whole numbers stay so.
    """
    if frame == "auto":
        frame = next((name for name in FRAMES if name and find_spec(name) is not None), None)
    if frame is None:
        return [dict(row) for row in rows]
    if frame not in FRAMES:
        raise Refusal(f"frame={frame}: must be 'auto', 'pandas', 'polars' or None")
    if find_spec(frame) is None:
        raise Refusal(
            f"frame={frame}: {frame} is not installed; `pip install {frame}`, or use frame=None "
            "for a list of dictionaries"
        )
    columns = {name: [row.get(name) for row in rows] for name in (rows[0] if rows else ())}
    return _in_pandas(columns) if frame == "pandas" else _in_polars(columns)


def _in_pandas(columns: dict[str, list[Any]]) -> Any:
    import pandas

    found = {}
    for name, values in columns.items():
        kind, whole = _kind(values), None not in values
        dtypes = {
            int: "int64" if whole else "Int64",
            bool: "bool" if whole else "boolean",
            float: "float64",
            str: "str",
        }
        dtype = "object" if kind is None else dtypes[kind]
        found[name] = pandas.Series(values, dtype=dtype)
    return pandas.DataFrame(found)


def _in_polars(columns: dict[str, list[Any]]) -> Any:
    import polars

    kinds: dict[Any, Any] = {
        int: polars.Int64,
        bool: polars.Boolean,
        float: polars.Float64,
        str: polars.String,
    }
    found = []
    for name, values in columns.items():
        kind = _kind(values)
        if kind is None:  # polars has no columns of mixed values
            values = [None if value is None else cell(value) for value in values]
        found.append(polars.Series(name, values, dtype=kinds.get(kind, polars.String)))
    return polars.DataFrame(found)


def _kind(values: Sequence[Any]) -> type | None:
    """Return the type that all values have; whole numbers among others are float; else None."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return float
    return kinds.pop() if len(kinds) == 1 and kinds <= {int, float, bool, str} else None
