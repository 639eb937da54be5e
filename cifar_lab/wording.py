"""Numbers, lists and tables as people write them."""

from __future__ import annotations

from collections.abc import Sequence


def percent(share: float) -> str:
    """``90.71 %``."""
    return f"{100 * share:.2f} %"


def points(difference: float) -> str:
    """``+0.12 points`` or ``−0.12 points``, of shares in 0 … 1."""
    return f"{100 * difference:+.2f} points".replace("-", "−")


def with_interval(found: tuple[float, float, float]) -> str:
    """``90.7 % (90.1 to 91.3)``, of a share and its bounds, each in 0 … 1."""
    share, low, high = found
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def duration(seconds: float) -> str:
    """``8.0 s``, ``2 min 3 s`` or ``1 h 5 min``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def several(words: Sequence[str]) -> str:
    """``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def plural(count: int, one: str, many: str) -> str:
    """``1 epoch`` or ``1,200 epochs``."""
    return f"{count:,} {one if count == 1 else many}"


def first_sentence(error: Exception) -> str:
    """The first line of an error's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def aligned(
    rows: Sequence[Sequence[str]], right_from: int | None = None, narrowest: int = 0
) -> list[str]:
    """Rows of a table as lines of text, two spaces between columns.

    Args:
        rows: of equally many cells.
        right_from: the first of the columns that are aligned to the right; None for no column.
        narrowest: least width of those in characters.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lefts = len(widths) if right_from is None else right_from
    return [
        "  ".join(
            cell.ljust(width) if column < lefts else cell.rjust(max(width, narrowest))
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
