"""metrics.csv: one row per epoch."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_lab.engine.hooks import COLUMNS
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import Reader, write_atomically

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row

#: Columns with integers.
WHOLE_NUMBERS = {"epoch", "step"}
#: Columns that some rows lack: older versions did not write them, or the run extends another one
#: whose schedule left the momentum as it was.
NEWER = {"step", "momentum", "evaluation_seconds"}


def write_metrics(path: Path, rows: Sequence[Row]) -> None:
    """Writes rows with equal columns; numbers can be read back exactly.

    Columns of hooks may be missing in some rows, and ``NEWER`` ones in rows of a run that an older
    version began or that this one extends.
    """
    write_atomically(path, metrics_text(rows))


def metrics_text(rows: Sequence[Row]) -> str:
    """Formats the rows as :func:`write_metrics` writes them."""
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read_metrics(path: Path, read: Reader = Path.read_bytes) -> list[Row]:
    """Reads what :func:`write_metrics` wrote.

    Raises:
        Refusal: it is missing or has another layout.
    """
    try:
        text = io.StringIO(read(path).decode("utf-8"), newline="")
        rows = [
            {k: _number(k, v) for k, v in row.items() if v or k not in NEWER}
            for row in csv.DictReader(text)
        ]
        if not rows:
            raise ValueError("it has no rows")
        return rows
    except Refusal:
        raise
    except (OSError, ValueError, TypeError) as error:
        raise Refusal(f"{path} could not be read: {error}") from error


def _number(column: str, text: str) -> float:
    if text == "" and column not in COLUMNS:
        return math.nan  # the hook had not yet given it
    return int(text) if column in WHOLE_NUMBERS else float(text)
