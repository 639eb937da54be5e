"""The columns that hooks add to the rows of metrics.csv."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cifar_lab.engine.hooks import COLUMNS, Row
from cifar_lab.wording import shortened

#: What a column may be called.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")


class Unfit(ValueError):
    """A hook gave something that cannot be used; the message says what."""


class Columns:
    """Which columns the rows of a run have besides those of the engine.

    Args:
        rows: of the epochs that were completed before.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._known = dict.fromkeys(key for row in rows for key in row if key not in COLUMNS)
        self._owners: dict[str, str] = {}

    def checked(self, hook: str, given: Any) -> Row:
        """Return what a hook gives as plain numbers.

        Raises:
            Unfit: it is not a mapping of valid names that are still free to numbers.
        """
        if not isinstance(given, Mapping):
            raise Unfit(f"columns must be a dictionary, got {type(given).__name__}")
        row = {self._free(hook, name): _number(name, value) for name, value in given.items()}
        self._owners.update(dict.fromkeys(row, hook))
        return row

    def complete(self, row: Row, given: Row) -> None:
        """Add columns to a row; those of earlier rows that nothing gives any more are NaN."""
        self._known.update(dict.fromkeys(given))
        row.update({name: given.get(name, math.nan) for name in self._known})

    def _free(self, hook: str, name: Any) -> str:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Unfit(
                f"the column {shortened(repr(name))} must have a name of at most 60 letters, "
                "digits, '_', '.' and '-' that begins with a letter"
            )
        owner = self._owners.get(name, hook)
        if name in COLUMNS or owner != hook:
            whose = "every run" if name in COLUMNS else f"hooks.{owner}"
            raise Unfit(f"the column {name} is one of {whose}; choose another name")
        return name


def _number(name: str, value: Any) -> float:
    """Convert a number, or a tensor or array with a single one, to a plain number."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        got = f"{shortened(repr(value))} ({type(value).__name__})"
        raise Unfit(f"the column {name} must be a number, got {got}") from error
    if math.isinf(number):
        raise Unfit(f"the column {name} must be finite or NaN, got {number}")
    return number
