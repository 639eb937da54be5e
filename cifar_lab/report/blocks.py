"""The blocks that make up a report; the HTML page and the Markdown text render the same ones."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

#: Columns of a table from which on a phone stacks the cells of each row.
STACKED = 4


@dataclass(frozen=True)
class Text:
    """A paragraph; ``warning`` highlights it."""

    text: str
    warning: bool = False
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes:
        name: file name in ``figures/``, without the extension.
        png: content of the file.
        alt: text for readers who cannot see it.
        caption: what it shows.
        width: ``full`` fills the page; ``natural`` is not enlarged beyond its pixels.
    """

    name: str
    png: bytes
    alt: str
    caption: str
    width: Literal["full", "natural"] = "full"
    kind: str = field(default="picture", init=False)

    @property
    def pixels(self) -> int:
        """Width in pixels, read from the PNG file's first chunk."""
        return int.from_bytes(self.png[16:20], "big")

    @property
    def data_uri(self) -> str:
        """The picture embedded as a URI, so that the page needs no other file."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Chart:
    """A figure that readers of the HTML page explore; Markdown shows pictures of the same data.

    Attributes:
        html: the figure, with everything escaped that comes from a user.
        pictures: its files in ``figures/``, which stand in its place in Markdown.
    """

    html: Markup
    pictures: Sequence[Picture]
    kind: str = field(default="chart", init=False)


@dataclass(frozen=True)
class Table:
    """Rows under a header.

    Attributes:
        header: one cell per column.
        rows: cells as they are shown.
        text_columns: columns of words, aligned left; the first column always is.
        wrapped: whether text wraps, for cells that are sentences.
        folded: label to click on to unfold the table; None shows it unfolded.
        whole: keep it in one piece in Markdown, even where it is wider than a terminal.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: Sequence[int] = ()
    wrapped: bool = False
    folded: str | None = None
    whole: bool = False
    kind: str = field(default="table", init=False)

    @property
    def stacked(self) -> bool:
        """Whether each row is a paragraph on phones, which have no room for its columns."""
        return len(self.header) >= STACKED

    def is_text(self, column: int) -> bool:
        """Whether a column is aligned left."""
        return column == 0 or column in self.text_columns


@dataclass(frozen=True)
class Facts:
    """Key numbers with their names, side by side."""

    facts: Sequence[tuple[str, str]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Code:
    """Preformatted lines.

    Attributes:
        lines: the lines, without line endings.
        marked: indices of the highlighted lines, from 0.
        folded: label to click on to unfold the block; None shows it unfolded.
        language: language of the Markdown code block.
    """

    lines: Sequence[str]
    marked: frozenset[int] = frozenset()
    folded: str | None = None
    language: str = ""
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Finding:
    """A sentence on what stands out, and the title of the section that shows it."""

    text: str
    section: str


@dataclass(frozen=True)
class Findings:
    """What stands out, with links to the sections that show it."""

    findings: Sequence[Finding]
    kind: str = field(default="findings", init=False)


Block = Text | Picture | Chart | Table | Facts | Code | Findings


@dataclass(frozen=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A complete report.

    Attributes:
        title: name and time of the run.
        lead: a sentence below the title.
        blocks: blocks of the first screen.
        sections: the sections that follow.
    """

    title: str
    lead: str
    blocks: Sequence[Block]
    sections: Sequence[Section]

    def pictures(self) -> list[Picture]:
        """Every picture, in order, those of charts included."""
        blocks = [*self.blocks, *(block for s in self.sections for block in s.blocks)]
        return [picture for block in blocks for picture in _pictures(block)]


def _pictures(block: Block) -> Sequence[Picture]:
    if isinstance(block, Chart):
        return block.pictures
    return [block] if isinstance(block, Picture) else []
