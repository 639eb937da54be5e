"""Blocks as Markdown that also reads well as plain text in a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from cifar_lab.report.blocks import Picture, Table
from cifar_lab.wording import in_markdown, start_in_markdown, words_in_markdown, wrapped

#: Columns of a terminal that lines are kept within, where words and cells allow it.
WIDTH = 100
#: Stands for a space at which a line must not be broken.
UNBROKEN = "\0"
#: What stays on one line: code, and a number with its unit.
KEPT = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|\d (?:%|s|min|h)(?!\w)")


def paragraph(text: str, indent: str = "") -> str:
    """Text as lines of Markdown, with words between backticks as code.

    Args:
        text: on any number of lines.
        indent: what each line begins with: ``> `` in a quotation.
    """
    return _broken(words_in_markdown(text), indent, indent)


def item(text: str) -> str:
    """Likewise, as an item of a list."""
    return _broken(words_in_markdown(text), "- ", "  ")


def linked_item(text: str, title: str, anchor: str) -> str:
    """An item of a list that ends with a link to a section of the page."""
    link = f"See [{in_markdown(title)}](#{anchor}).".replace(" ", UNBROKEN)
    return _broken(f"{words_in_markdown(text)} {link}", "- ", "  ")


def picture(it: Picture) -> str:
    """A link to the file, with its words in place of the picture."""
    return _broken(f"![{in_markdown(it.alt)}](figures/{quote(it.name)}.png)", "", "")


def table(it: Table) -> str:
    """A table with aligned columns.

    What is wider than a terminal is split: a table of numbers into several ones, each with the
    first column, and a table of words into a list with an item for each row. A table that must
    stay whole has its cells unaligned instead.
    """
    rows = [[in_markdown(cell) for cell in row] for row in (it.header, *it.rows)]
    widths = [max(2, *map(width, column)) for column in zip(*rows, strict=True)]
    everything = range(len(widths))
    if _wide(widths) <= WIDTH:
        return "\n".join(_aligned(it, rows, widths, everything))
    if it.whole:
        return "\n".join(_aligned(it, rows, [0] * len(widths), everything))
    if len(widths) == 1 or any(it.is_text(column) for column in everything[1:]):
        return "\n".join(_listed(it))
    parts = _parts(widths)
    return "\n\n".join("\n".join(_aligned(it, rows, widths, part)) for part in parts)


def width(text: str) -> int:
    """Columns that a text takes in a terminal (Unicode Standard Annex 11)."""
    marks = sum(unicodedata.category(each) in ("Mn", "Me", "Cf") for each in text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - marks


def _broken(marked: str, first: str, further: str) -> str:
    """Break a line of Markdown between words, without making markup of what begins a line."""
    whole = KEPT.sub(lambda found: found[0].replace(" ", UNBROKEN), marked)
    head, *rest = wrapped(whole, WIDTH - len(first)).split("\n")
    lines = [head, *(start_in_markdown(line.strip()) for line in rest)]
    starts = [first, *[further] * len(rest)]
    return "\n".join(map("".join, zip(starts, lines, strict=True))).replace(UNBROKEN, " ")


def _parts(widths: Sequence[int]) -> list[list[int]]:
    """The columns of each table; at least one besides the first."""
    parts: list[list[int]] = []
    for column in range(1, len(widths)):
        if parts and _wide([widths[each] for each in (*parts[-1], column)]) <= WIDTH:
            parts[-1].append(column)
        else:
            parts.append([0, column])
    return parts


def _wide(widths: Sequence[int]) -> int:
    """Width of a table's lines: two spaces a column, and bars between and around them."""
    return sum(widths) + 3 * len(widths) + 1


def _aligned(
    it: Table, rows: Sequence[Sequence[str]], widths: Sequence[int], columns: Sequence[int]
) -> Iterator[str]:
    for number, row in enumerate(rows):
        cells = []
        for column in columns:
            space = " " * (widths[column] - width(row[column]))
            cells.append(row[column] + space if it.is_text(column) else space + row[column])
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"|{'|'.join(_rule(widths[c], it.is_text(c)) for c in columns)}|"


def _rule(width: int, left: bool) -> str:
    """The line below a column's header, of at least three dashes."""
    return "-" * (max(width, 2) + 1) + ("-" * (width > 0) if left else ":")


def _listed(it: Table) -> Iterator[str]:
    """Each row as an item: its first cell, and the others with the names of their columns."""
    for head, *cells in it.rows:
        named = zip(it.header[1:], cells, strict=True)
        others = "; ".join(f"{name} {cell}".strip() for name, cell in named)
        yield item(f"{head}: {others}" if others else head)
