"""What a report is made of. Both its forms, the page and the text, render the same blocks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Text:
    """A paragraph; ``warning`` sets it off."""

    text: str
    warning: bool = False
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        name: file name below ``figures/``, without its ending.
        png: the file's content.
        alt: what a reader who cannot see it is told.
        caption: what it shows.
        width: ``full`` fills the page; ``natural`` is no larger than its pixels.
    """

    name: str
    png: bytes
    alt: str
    caption: str
    width: Literal["full", "natural"] = "full"
    kind: str = field(default="picture", init=False)

    @property
    def pixels(self) -> int:
        """Width of the PNG file, which its first chunk tells."""
        return int.from_bytes(self.png[16:20], "big")

    @property
    def data_uri(self) -> str:
        """The picture inside the page, so that the page needs no other file."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Table:
    """Rows under a header.

    Attributes:
        header: one a column.
        rows: cells as they are read.
        text_columns: columns of words, set to the left; the first always is.
        wrapped: words are broken into lines, where cells are sentences.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: Sequence[int] = ()
    wrapped: bool = False
    kind: str = field(default="table", init=False)

    def is_text(self, column: int) -> bool:
        """Whether a column is set to the left."""
        return column == 0 or column in self.text_columns


@dataclass(frozen=True)
class Facts:
    """Large figures with their names, side by side."""

    facts: Sequence[tuple[str, str]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Code:
    """Lines as they are.

    Attributes:
        lines: without line ends.
        marked: numbers of lines that stand out, from 0.
        folded: what to click on to see it; None shows it at once.
        language: for the text form.
    """

    lines: Sequence[str]
    marked: frozenset[int] = frozenset()
    folded: str | None = None
    language: str = ""
    kind: str = field(default="code", init=False)


Block = Text | Picture | Table | Facts | Code


@dataclass(frozen=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: the run's name and time.
        lead: a sentence beneath it.
        blocks: the first screen.
        sections: what follows.
    """

    title: str
    lead: str
    blocks: Sequence[Block]
    sections: Sequence[Section]

    def pictures(self) -> list[Picture]:
        """Every picture, in order."""
        blocks = [*self.blocks, *(block for s in self.sections for block in s.blocks)]
        return [block for block in blocks if isinstance(block, Picture)]
