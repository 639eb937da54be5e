"""A chart as HTML: one SVG for each panel, complete without script, and what the script reads.

Lengths along x are per cent of the plot's width and those along y are pixels, so that a chart is as
wide as its page while its text keeps its size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from cifar_lab.report.charts.histogram import histogram
from cifar_lab.report.charts.plot import GREY, Counts, Panel, Plot, Series, Unit
from cifar_lab.report.charts.rendering import rendered
from cifar_lab.report.charts.scale import Scale, exact_scale, scale_of

#: Height of a panel's plot in pixels, and most points of a line.
HEIGHT, POINTS = 150, 500
#: Pixels between the bottom of a plot and what has no value.
EDGE = 6


@dataclass(frozen=True)
class DrawnSeries:
    """A series on one scale.

    Attributes:
        series: what is drawn.
        path: of its line, in thousandths of the width and pixels.
        band: outline of its band, likewise; empty for whiskers.
        markers: per cent of the width and pixels.
        whiskers: per cent of the width, and pixels of both ends.
    """

    series: Series
    path: str
    band: str
    markers: Sequence[tuple[float, float]]
    whiskers: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class View:
    """A panel on one scale; the reader's switch shows one of two views."""

    scale: Scale
    series: Sequence[DrawnSeries]

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Pixels from the top and label of each tick."""
        pairs = zip(self.scale.ticks, self.scale.labels, strict=True)
        return [(_down(self.scale, tick), label) for tick, label in pairs]


@dataclass(frozen=True)
class Table:
    """What is read at one stop: a row for each series by name, a column for each panel."""

    stop: str
    rows: Sequence[tuple[Series, Sequence[str]]]


def chart(plot: Plot, name: str, alt: str, caption: str) -> Markup:
    """Render a chart.

    Args:
        plot: what it shows.
        name: unique on the page; begins its ids.
        alt: text for readers who cannot see it.
        caption: what it shows, for all readers.
    """
    across = exact_scale(plot.x)
    units = [exact_scale(plot.x, unit.times) for unit in plot.units] or [across]
    return rendered(
        "chart.html.j2",
        name=name,
        alt=alt,
        caption=caption,
        plot=plot,
        legend=_legend(plot),
        height=HEIGHT,
        panels=[
            (panel, _views(panel, across), histogram(plot, panel.counts)) for panel in plot.panels
        ],
        counted=list(dict.fromkeys(panel.counts.name for panel in plot.panels if panel.counts)),
        across=[[(100 * s.at(t), label) for t, label in zip(s.ticks, s.labels, strict=True)]
                for s in units],
        marked=[(100 * across.at(each.x), each) for each in plot.marked],
        switchable=any(panel.axis.log == "maybe" for panel in plot.panels),
        table=_table(plot) if plot.tabled else None,
        read=json.dumps(_read(plot, across), allow_nan=False),  # NaN would stop all of the script
    )  # fmt: skip


def value_at(series: Series, x: float) -> float:
    """The value of a series at x; of a dense one, between its points; nan where it has none."""
    if series.dense:
        inside = series.x[0] <= x <= series.x[-1]
        return float(np.interp(x, series.x, series.y)) if inside else math.nan
    where = np.flatnonzero(np.isclose(series.x, x, rtol=1e-9, atol=1e-12))
    return float(series.y[where[0]]) if len(where) else math.nan


def told_at(series: Series, x: float, digits: str) -> str:
    """What is read of a series at x; a dash where it has nothing."""
    if series.told is None:
        return written(value_at(series, x), digits)
    where = np.flatnonzero(np.isclose(series.x, x, rtol=1e-9, atol=1e-12))
    return "; ".join(series.told[int(number)] for number in where) or "–"


def written(value: float, digits: str) -> str:
    """A value as it is read; a dash where there is none."""
    return f"{value:,{digits}}".replace("-", "−", 1) if math.isfinite(value) else "–"


def bin_at(plot: Plot, x: float) -> str:
    """The bin that contains x, by its edges."""
    low, high = next((low, high) for low, high in pairwise(plot.bins) if low <= x <= high)
    return f"{written(low, plot.x.digits)} to {written(high, plot.x.digits)}"


def in_unit(x: float, unit: Unit) -> str:
    """Where a stop lies: whole numbers without decimals."""
    value = round(x * unit.times, 6)
    return f"{value:,.0f}" if math.isclose(value, round(value)) else f"{value:,.2f}"


def _legend(plot: Plot) -> list[Series]:
    """The series by name, each once; the only one of a panel is named above it."""
    series = [each for panel in plot.panels for each in panel.series if len(panel.series) > 1]
    return list({each.name: each for each in series}.values())


def _table(plot: Plot) -> Table:
    """The values at the last stop, which the script replaces by those at the cursor."""
    last = plot.stops()[-1]
    rows = []
    for each in _legend(plot):
        of = [(panel, s) for panel in plot.panels for s in panel.series if s.name == each.name]
        texts = {id(p): told_at(s, last, p.axis.digits) for p, s in of if not s.background}
        rows.append((each, [texts.get(id(panel), "") for panel in plot.panels]))
    return Table(_told(plot, last), rows)


def _scales(panel: Panel) -> list[Scale]:
    """The scale on which a panel is drawn first and, where the reader has a choice, the other."""
    kinds = {"never": (False,), "always": (True,), "maybe": (False, True)}[panel.axis.log]
    return [scale_of(panel.axis, panel.values(), log) for log in kinds]


def _views(panel: Panel, across: Scale) -> list[View]:
    return [
        View(scale, [_drawn(each, across, scale) for each in panel.series])
        for scale in _scales(panel)
    ]


def _drawn(series: Series, across: Scale, scale: Scale) -> DrawnSeries:
    chosen = _chosen(len(series.x))
    places = [(across.at(series.x[n]), _down(scale, series.y[n])) for n in chosen]
    known = [(100 * x, y) for x, y in places if math.isfinite(y)]
    outline, whiskers = "", []
    if series.band is not None:
        low, high = ([(across.at(series.x[n]), _down(scale, edge[n])) for n in chosen]
                     for edge in series.band)  # fmt: skip
        edge = [place for place in [*high, *reversed(low)] if math.isfinite(place[1])]
        outline = _path(edge) + "Z" if edge and not series.whiskers else ""
        ends = [(100 * x, top, low[n][1]) for n, (x, top) in enumerate(high)]
        whiskers = [each for each in ends if series.whiskers and math.isfinite(sum(each))]
    return DrawnSeries(series, _path(places) if series.line else "", outline, known, whiskers)


def _chosen(count: int) -> list[int]:
    """Numbers of the points that are drawn, evenly spread if there are many."""
    if count <= POINTS:
        return list(range(count))
    return [round(n * (count - 1) / (POINTS - 1)) for n in range(POINTS)]


def _down(scale: Scale, value: float) -> float:
    """Pixels from the top of the plot."""
    if value == -math.inf:
        return HEIGHT - EDGE
    return HEIGHT * (1 - scale.at(float(value)))


def _path(places: Sequence[tuple[float, float]]) -> str:
    """A line through places that is broken where there is no value."""
    parts, pen = [], "M"
    for x, y in places:
        if not math.isfinite(y):
            pen = "M"
            continue
        parts.append(f"{pen}{1000 * x:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)


def _read(plot: Plot, across: Scale) -> dict[str, Any]:
    """What the cursor reads at each of its stops, for the script."""
    stops = plot.stops()
    return {
        "x": [round(100 * across.at(x), 3) for x in stops],
        "at": [_told(plot, x) for x in stops],
        "panels": [
            [
                *(_values(each, panel, plot) for each in panel.series if not each.background),
                *(_counted(panel.counts) if panel.counts else ()),
            ]
            for panel in plot.panels
        ],
    }  # fmt: skip


def _told(plot: Plot, x: float) -> str:
    """Where a stop lies, in every unit."""
    name = plot.x.label.partition(":")[0]
    if plot.bins:
        return f"{name} {bin_at(plot, x)}"
    if not plot.units:
        return f"{name} {written(x, plot.x.digits)}"
    return ", ".join(f"{unit.one} {in_unit(x, unit)}" for unit in plot.units)


def _values(series: Series, panel: Panel, plot: Plot) -> dict[str, Any]:
    """What is read of a series at each stop; of bins, its own point in each."""
    stops = series.x if plot.bins else plot.stops()
    values = series.y if plot.bins else [value_at(series, x) for x in stops]
    down = [[_down(scale, value) for value in values] for scale in _scales(panel)]
    across = exact_scale(plot.x)
    own = {"x": [round(100 * across.at(x), 3) for x in stops]} if plot.bins else {}
    return {
        "name": series.name,
        "colour": series.colour,
        "text": [told_at(series, x, panel.axis.digits) for x in stops],
        "y": [[round(y, 1) if math.isfinite(y) else None for y in each] for each in down],
        **own,
    }


def _counted(counts: Counts) -> list[dict[str, Any]]:
    """What is read of a histogram: words without a dot."""
    texts = [f"{value:,}" for value in counts.values]
    nowhere = [None] * len(texts)
    return [{"name": counts.name, "colour": GREY, "text": texts, "y": [nowhere]}]
