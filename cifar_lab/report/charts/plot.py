"""What a chart shows, as plain data: panels below each other that share their x axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

#: Colours of series by number: those of Okabe and Ito's palette that are dark enough for a line on
#: white (https://jfly.uni-koeln.de/color/), and grey. The page's style sheet repeats them.
PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#000000", "#CC79A7", "#56B4E9", "#E69F00", "#999999",
)  # fmt: skip
BLUE, VERMILION, GREEN, BLACK, PINK, SKY, ORANGE, GREY = range(len(PALETTE))
#: A disc, a square and a triangle, named as in matplotlib.
Marker = Literal["o", "s", "^"]


@dataclass(frozen=True, kw_only=True)
class Series:
    """Values along x.

    Attributes:
        name: as in the legend; series of one name in several panels are hidden together.
        x: increasing.
        y: as many; nan where there is none, -inf at the bottom of the panel.
        colour: number in ``PALETTE``.
        line: whether values are joined.
        marker: of each value; None draws none.
        dash: lengths of strokes and gaps in pixels; empty draws a solid line.
        band: lower and upper edges around the values.
        whiskers: whether the band is drawn as a vertical line at each value.
        dense: whether x is too fine for a reader's cursor, which then stops at the other series.
        told: what is read at each x in place of the value; None reads the value.
        background: whether it only lies behind the others: its values are not read.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int
    line: bool = True
    marker: Marker | None = None
    dash: tuple[int, ...] = ()
    band: tuple[Sequence[float], Sequence[float]] | None = None
    whiskers: bool = False
    dense: bool = False
    told: Sequence[str] | None = None
    background: bool = False


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A quantity.

    Attributes:
        label: its name and unit.
        low, high: where the quantity, and so the axis, ends at the latest; None where it does not.
        whole: whether only whole numbers are marked.
        log: ``always`` logarithmic, ``never``, or ``maybe``: as the reader chooses (not of x).
        digits: format of a value that is read, such as ``.3f``.
    """

    label: str
    low: float | None = None
    high: float | None = None
    whole: bool = False
    log: Literal["never", "maybe", "always"] = "never"
    digits: str = ".4g"


@dataclass(frozen=True)
class Counts:
    """How many cases each bin of x has: a pale histogram at the foot of a panel.

    Its bars begin at 0, and its linear scale is at the right, no higher than the bars.

    Attributes:
        name: what is counted, in the plural.
        values: one per bin of the plot.
    """

    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Panel:
    """Series that share a y axis, in front of how many cases they are of."""

    axis: Axis
    series: Sequence[Series]
    counts: Counts | None = None

    def values(self) -> list[float]:
        """Everything that its y axis has room for."""
        return [
            float(value)
            for each in self.series
            for values in (each.y, *(each.band or ()))
            for value in values
        ]


@dataclass(frozen=True)
class Unit:
    """A unit of the x axis.

    Attributes:
        name: in the plural, as the reader chooses it.
        times: how many there are in the unit of the data.
        one: in the singular, as on the axis and in front of a number.
    """

    name: str
    times: float
    one: str


@dataclass(frozen=True)
class Marked:
    """A vertical line across all panels, with its name in the legend."""

    x: float
    name: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A chart.

    Attributes:
        x: the axis that all panels share; both of its ends are given.
        panels: from top to bottom.
        units: of x; the first is that of the data, and the reader chooses among them.
        marked: vertical lines.
        tabled: whether values are read in a table with a row for each series rather than above the
            panels, where those of many series would not have room.
        bins: edges of bins of x, at whose centres the cursor stops. A series that is read has one
            point per bin, somewhere inside it.
    """

    x: Axis
    panels: Sequence[Panel]
    units: Sequence[Unit] = ()
    marked: Sequence[Marked] = ()
    tabled: bool = False
    bins: Sequence[float] = ()

    def stops(self) -> list[float]:
        """Where a reader's cursor stops: every bin, or every x of the series that are not dense."""
        if self.bins:
            return [(low + high) / 2 for low, high in pairwise(self.bins)]
        series = [each for panel in self.panels for each in panel.series if not each.background]
        coarse = [each for each in series if not each.dense] or series
        return sorted({float(x) for each in coarse for x in each.x})
