"""Texts in figures: drawn as they are, in fonts that have their characters, in the room there is.

Every function that draws a figure is decorated with ``@lettering()``. Names of classes and layers
come from users: a name between dollar signs is not a formula, and a long one must not take the room
of the chart.
"""

from __future__ import annotations

import contextlib
import functools
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import matplotlib
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.ticker import LogFormatter

#: The font of every figure, which matplotlib brings along.
FAMILY = "DejaVu Sans"
#: Fonts for characters that it lacks, used where they are installed.
FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "IPAexGothic",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "Unifont",
)
#: Room for a class's name beside a chart, in inches, and the size of its letters, in points.
ROOM, SIZE = 2.0, 10.0
#: Whether letters are joined and ordered as their script wants: matplotlib 3.11 began to.
SHAPES = matplotlib.__version_info__[:2] >= (3, 11)
#: Blocks of Unicode whose letters change shape or place beside others: Devanagari to Sinhala,
#: Myanmar, and Khmer.
JOINED = ((0x0900, 0x0DFF), (0x1000, 0x109F), (0x1780, 0x17FF))
#: Points in an inch.
POINTS = 72


@contextlib.contextmanager
def lettering() -> Iterator[None]:
    """Inside, no text is read as a formula, and a missing glyph is not a warning for each figure.

    Characters without a glyph are told once for the whole report, see :func:`missing`.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcParams["text.parse_math"] = matplotlib.rcParams["text.usetex"] = False
        matplotlib.rcParams["font.family"] = list(_families())
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from")
        yield


def labels(
    names: Sequence[str],
    room: float = ROOM,
    size: float = SIZE,
    kind: str = "class",
    first: int = 0,
) -> list[str]:
    """Names as a chart shows them: on one line, shortened in the middle, each different.

    A name that no font can draw becomes ``class 3``; the page has a table of numbers and names.

    Args:
        names: in the order of the labels.
        room: width in inches.
        size: of the letters, in points.
        kind: what has the names, in one word.
        first: number of the first name.
    """
    lines = [on_one_line(name) for name in names]
    short = [fitted(line, room, size) for line in lines]
    often = Counter(short)
    shown = []
    for number, (line, text) in enumerate(zip(lines, short, strict=True), start=first):
        if not line or missing([line]):
            text = f"{kind} {number}"
        elif often[text] > 1:
            end = f" ({number})"
            text = fitted(line, room - width(end, size), size) + end
        shown.append(text)
    return shown


def fitted(line: str, room: float, size: float) -> str:
    """Shorten a line in the middle until it is at most ``room`` inches wide, with ``…`` there."""
    if width(line, size) <= room:
        return line
    fits, too_long = 0, len(line)
    while too_long - fits > 1:
        kept = (fits + too_long) // 2
        if width(_without_middle(line, kept), size) <= room:
            fits = kept
        else:
            too_long = kept
    return _without_middle(line, fits)


def on_two_lines(line: str, room: float, size: float) -> str:
    """Break a line that is wider than ``room`` inches, after a comma or a space if one is near.

    What does not fit the second line is shortened in its middle.
    """
    if width(line, size) <= room:
        return line
    fits = next(n for n in range(len(line), 0, -1) if n == 1 or width(line[:n], size) <= room)
    after = 1 + max(line.rfind(mark, fits // 2, fits) for mark in ", ")
    end = after or fits
    return f"{line[:end].rstrip()}\n{fitted(line[end:].lstrip(), room, size)}"


def on_one_line(text: str) -> str:
    """Without control and format characters; white space of any kind becomes single spaces."""
    kinds = ((character, unicodedata.category(character)) for character in text)
    return " ".join(
        "".join(
            " " if character.isspace() else "" if kind in ("Cc", "Cf", "Cs") else character
            for character, kind in kinds
        ).split()
    )


def missing(texts: Iterable[str]) -> str:
    """The characters of texts that cannot be drawn, each once, in their order."""
    used = dict.fromkeys("".join(map(on_one_line, texts)))
    return "".join(character for character in used if not _drawn(character))


def in_glyphs(text: str, class_names: Sequence[str]) -> str:
    """Put numbers in place of the class names in a text that cannot be drawn."""
    if not missing([text]):
        return text
    by_length = sorted(enumerate(class_names), key=lambda each: -len(each[1]))
    for number, name in by_length:
        if name and missing([name]):
            text = text.replace(name, f"class {number}")
    return text


def width(line: str, size: float) -> float:
    """Width of a line of text, in inches; kerning, which only narrows it, is left out.

    Args:
        line: without line ends.
        size: of the letters, in points.
    """
    return sum(map(_advance, line)) * size / POINTS


class PlainLog(LogFormatter):
    """Labels of a logarithmic axis without formulas: ``0.001`` and not ``10`` with an exponent."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def _without_middle(line: str, kept: int) -> str:
    """The first and last of a line's characters, ``kept`` in all."""
    end = line[len(line) - kept // 2 :]
    return f"{line[: kept - kept // 2].rstrip()}…{end.lstrip()}"


def _drawn(character: str) -> bool:
    """Whether a character has a glyph, and looks right beside others."""
    if ord(character) not in _characters():
        return False
    joined = any(first <= ord(character) <= last for first, last in JOINED)
    return SHAPES or not (joined or unicodedata.bidirectional(character) in ("R", "AL"))


@functools.cache
def _families() -> tuple[str, ...]:
    installed = {entry.name for entry in fontManager.ttflist}
    return (FAMILY, *(name for name in FALLBACKS if name in installed))


@functools.cache
def _characters() -> frozenset[int]:
    fonts = (get_font(findfont(name)) for name in _families())
    return frozenset(code for font in fonts for code in font.get_charmap())


@functools.cache
def _advance(character: str) -> float:
    """Width of a character as a multiple of the size of the letters; 1 if no font has it."""
    for name in _families():
        font = get_font(findfont(name))
        if ord(character) in font.get_charmap():
            font.set_size(POINTS, POINTS)
            return font.load_char(ord(character)).linearHoriAdvance / (POINTS << 16)
    return 1.0
