"""Format numbers, lists and tables for people to read."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

#: Lines are not broken to be narrower than this.
MINIMUM_WIDTH = 20
#: What Markdown would read as markup anywhere in a line, with GitHub's links and formulas.
_MARKUP = re.compile(
    r"[\\`*\[\]<>~$|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|:(?=//)|(?<=www)\.", re.I
)
#: What it would read as markup at the start of a line only: headings, lists, rules, indentation.
_START = re.compile(r"^(?:([#+=-])(?=[\s#=-]|$)|(\d+)([.)])(?=\s|$))")


def percent(share: float) -> str:
    """Format a share in 0 … 1 as ``90.71 %``."""
    return f"{100 * share:.2f} %"


def points(difference: float) -> str:
    """Format a difference of shares in 0 … 1 as ``+0.12 points`` or ``−0.12 points``."""
    return f"{100 * difference:+.2f} points".replace("-", "−")


def signed(value: float, digits: int) -> str:
    """Format a number with its sign, as ``+1.20`` or ``−1.20``; what rounds to 0 has none."""
    text = f"{value:+,.{digits}f}".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else text[1:]


def with_interval(found: tuple[float, float, float]) -> str:
    """Format a share and its bounds, each in 0 … 1, as ``90.7 % (90.1 to 91.3)``."""
    share, low, high = found
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def duration(seconds: float) -> str:
    """Format seconds as ``8.0 s``, ``2 min 3 s`` or ``1 h 5 min``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(count: int) -> str:
    """Format a number of bytes as ``812 bytes``, ``1.2 MB`` or ``3.4 GB``."""
    amount, units = count / 1000, ["kB", "MB", "GB", "TB"]
    if count < 1000:
        return plural(count, "byte", "bytes")
    while round(amount, 1) >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:,.1f} {units[0]}"


def several(words: Sequence[str]) -> str:
    """Join words as ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def plural(count: int, one: str, many: str) -> str:
    """Format a count with its noun: ``1 epoch`` or ``1,200 epochs``."""
    return f"{count:,} {one if count == 1 else many}"


def shortened(text: str, most: int = 60) -> str:
    """Cut a text that is longer than ``most`` characters, and say how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def printable(text: str) -> str:
    """Escape what would break a line, control a terminal or could not be encoded."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def printable_lines(text: str) -> str:
    """Escape the same in a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))


def first_sentence(error: Exception) -> str:
    """The first non-empty line of an error's message, or the name of its type.

    Of the system's errors, what it says without the number: ``No space left on device``.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def wrapped(text: str, width: int) -> str:
    """Break lines that are wider than ``width`` between words; a longer word stays whole.

    What follows a break is indented by two more spaces than its line.
    """
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
        fits = len(line) <= width
        broken = textwrap.wrap(
            line,
            max(width, MINIMUM_WIDTH),
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += [line] if fits else broken
    return "\n".join(lines)


def aligned(
    rows: Sequence[Sequence[str]], right_from: int | None = None, narrowest: int = 0
) -> list[str]:
    """Format the rows of a table as lines of text, with two spaces between columns.

    Args:
        rows: rows with the same number of cells.
        right_from: first of the right-aligned columns; None right-aligns no column.
        narrowest: minimum width of right-aligned columns, in characters.
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


def in_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no links, HTML, emphasis or formulas."""
    return start_in_markdown(_MARKUP.sub(lambda found: f"\\{found[0]}", " ".join(text.split())))


def start_in_markdown(line: str) -> str:
    """Escape what would make a heading, a list or a rule of a line, at its start."""
    return _START.sub(
        lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", line
    )


def code_in_markdown(text: str, in_table: bool = False) -> str:
    """Text as an inline piece of code, between as many backticks as it needs."""
    line = " ".join(text.split())
    fence = "`" * (longest_run("`", line) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    shown = line.replace("|", r"\|") if in_table else line
    return f"{fence}{edge}{shown}{edge}{fence}"


def words_in_markdown(text: str) -> str:
    """Escape text for Markdown, except for words between backticks, which are code there, too."""
    parts = re.split(r"`([^`]+)`", text)
    marked = [
        code_in_markdown(part) if number % 2 else _inner(part) for number, part in enumerate(parts)
    ]
    return "".join([in_markdown(parts[0]) + " " * parts[0].endswith(" "), *marked[1:]])


def _inner(text: str) -> str:
    """Escape text within a line: spaces at its ends stay, and nothing starts a line."""
    return in_markdown(f"x{text}x")[1:-1]


def longest_run(character: str, text: str) -> int:
    """Length of the longest uninterrupted run of a character."""
    return max(map(len, re.findall(f"{re.escape(character)}+", text)), default=0)
