"""Several configurations in one chart: looks that are told apart in grey, and their legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cifar_lab.report.charts import looks as looks_of_the_page
from cifar_lab.report.charts.plot import PALETTE
from cifar_lab.report.figures.chart import GREY
from cifar_lab.report.figures.lettering import labels, on_one_line, width

#: Those of the page's charts, in their order.
COLOURS = tuple(PALETTE[colour] for colour in looks_of_the_page.COLOURS)
#: One per configuration, so that each can be found in grey print.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">", "*", "h")
STYLES = ("-", "--", "-.", ":")
#: Size of the letters of legends and notes, in points.
SMALL = 9.0
#: Height of one of their lines, and width of a legend's sample with its gaps, in inches.
LINE, SAMPLE = 0.2, 0.66
#: Most columns of a legend.
COLUMNS = 4
#: Colour of notes.
DARK = "#444444"


class Look(NamedTuple):
    """How one configuration is drawn, the same in every panel of a figure."""

    colour: str
    marker: str
    style: str


def looks(count: int, chosen: Sequence[int]) -> list[Look | None]:
    """A look for each of the chosen out of ``count`` configurations, and none for the others."""
    found: list[Look | None] = [None] * count
    for place, number in enumerate(chosen):
        found[number] = look(place)
    return found


def look(place: int) -> Look:
    """The look at a place below ``looks.NAMED``."""
    return Look(COLOURS[place % len(COLOURS)], MARKERS[place], STYLES[place % len(STYLES)])


class Legend(NamedTuple):
    """A legend below a chart, laid out before the figure is made, whose height depends on it.

    Attributes:
        labels: one per sample.
        columns: number of columns.
        height: in inches.
    """

    labels: list[str]
    columns: int
    height: float


def legend(names: Sequence[str], room: float, further: Sequence[str] = ()) -> Legend:
    """Lay out a legend; names are shortened only where a single column is too narrow for them.

    Args:
        names: of the configurations, in their order.
        room: width in inches.
        further: labels that follow them, such as that of the configurations drawn in grey.
    """
    widest = max((width(on_one_line(name), SMALL) for name in [*names, *further]), default=0.0)
    columns = next((n for n in range(COLUMNS, 1, -1) if widest <= room / n - SAMPLE), 1)
    shown = labels(names, room / columns - SAMPLE, SMALL, kind="configuration", first=1)
    shown += further
    return Legend(shown, columns, LINE * -(-len(shown) // columns) + 0.1)


def draw_legend(
    figure: Figure, laid: Legend, samples: Sequence[Line2D], left: float, bottom: float
) -> None:
    """Draw a legend whose lower left corner is given in inches.

    Args:
        figure: with room for it.
        laid: its layout.
        samples: one per label.
        left: distance from the figure's left edge.
        bottom: distance from the figure's lower edge.
    """
    if not laid.labels:
        return
    wide, high = figure.get_size_inches()
    figure.legend(
        list(samples),
        laid.labels,
        loc="lower left",
        bbox_to_anchor=(left / wide, bottom / high),
        ncols=laid.columns,
        fontsize=SMALL,
        frameon=False,
        borderaxespad=0,
        borderpad=0.2,
        handlelength=2.6,
        handletextpad=0.6,
        columnspacing=1.2,
    )


def sample(drawn: Look | None, **settings: Any) -> Line2D:
    """A legend's sample of a look, or of the configurations that have none."""
    looks_like: dict[str, Any] = {"color": GREY, "linewidth": 0.8}
    if drawn:
        looks_like = {"color": drawn.colour, "marker": drawn.marker, "ls": drawn.style, "ms": 5}
    return Line2D([], [], **looks_like | settings)


def note(figure: Figure, text: str, left: float, bottom: float) -> None:
    """Write a line of explanation whose lower left corner is given in inches."""
    wide, high = figure.get_size_inches()
    figure.text(left / wide, bottom / high, text, size=SMALL, color=DARK, va="bottom")
