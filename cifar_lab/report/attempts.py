"""What cannot be drawn is left out with a warning in its place; the rest of the report stands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from markupsafe import Markup

from cifar_lab.refusal import Refusal
from cifar_lab.report.blocks import Block, Chart, Finding, Picture, Section, Text
from cifar_lab.report.charts import dot_rows, svg
from cifar_lab.report.charts.dots import Dots
from cifar_lab.report.charts.plot import Plot
from cifar_lab.report.charts.rows import Row, rows_of_images
from cifar_lab.wording import first_sentence

log = logging.getLogger("cifar_lab")
T = TypeVar("T")


def attempted(problem: str, make: Callable[[], T]) -> T | Text:
    """Make a part of a report, or a warning in its place, so that it does not cost the rest.

    Args:
        problem: what to say if it fails, without the reason.
        make: makes the part.

    Raises:
        Refusal: a file of the run is damaged, so that everything drawn from it would be wrong.
    """
    try:
        return make()
    except Refusal:
        raise
    except Exception as error:  # whatever it is
        return warning(problem, error)


def picture(
    name: str,
    draw: Callable[[], bytes],
    alt: str,
    caption: str,
    width: Literal["full", "natural"] = "full",
) -> Block:
    """Draw a figure, or say why it could not be drawn.

    Args:
        name, alt, caption, width: as in :class:`Picture`.
        draw: returns the content of the PNG file.
    """
    png = attempted(f"The figure {name} could not be drawn", draw)
    return png if isinstance(png, Text) else Picture(name, png, alt, caption, width)


def chart(draw: Callable[[], Markup], pictures: Sequence[Block]) -> list[Block]:
    """Draw a figure of the HTML page; if it could not be drawn, its pictures stand in its place.

    Args:
        draw: returns the figure as HTML.
        pictures: of the same data, and in place of some what could not be drawn.
    """
    html = attempted("The interactive chart could not be drawn", draw)
    if isinstance(html, Text):
        return [html, *pictures]
    there = [each for each in pictures if isinstance(each, Picture)]
    return [Chart(html, there), *(each for each in pictures if not isinstance(each, Picture))]


def plot(shown: Plot | Dots, drawn: Block) -> list[Block]:
    """Draw a chart of the page with the name and words of the picture drawn from the same data."""
    if not isinstance(drawn, Picture):
        return [drawn]
    words = drawn.name, drawn.alt, drawn.caption
    if isinstance(shown, Dots):
        return chart(lambda: dot_rows.chart(shown, *words), [drawn])
    return chart(lambda: svg.chart(shown, *words), [drawn])


def rows(make: Callable[[], Sequence[Row]], drawn: Block, large: bool = False) -> list[Block]:
    """Set rows of images as HTML, with the name and words of the picture of the same images."""
    if not isinstance(drawn, Picture):
        return [drawn]
    return chart(
        lambda: rows_of_images(make(), drawn.name, drawn.alt, drawn.caption, large), [drawn]
    )


def section(title: str, make: Callable[[], Section]) -> Section:
    """Make a section, or one under its title that says why it could not be made."""
    made = attempted(f"The section “{title}” could not be drawn", make)
    return Section(title, [made]) if isinstance(made, Text) else made


def blocks(what: str, make: Callable[[], Sequence[Block]]) -> Sequence[Block]:
    """Make blocks, or one that says why they could not be made."""
    made = attempted(f"{what} could not be drawn", make)
    return [made] if isinstance(made, Text) else made


def finding(what: str, check: Callable[[], Finding | None]) -> Finding | Text | None:
    """What a check finds, if anything, or a paragraph that says why it could not be made."""
    return attempted(f"The check of {what} could not be made", check)


def warning(problem: str, error: Exception) -> Text:
    """A highlighted paragraph about a failure, which is also logged."""
    text = f"{problem}: {type(error).__name__}: {first_sentence(error)}"
    log.warning(text)
    log.debug("traceback:", exc_info=error)
    return Text(f"{text}. All else in this report is unaffected.", warning=True)
