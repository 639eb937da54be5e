"""The pale histogram at the foot of a panel, laid out for SVG and matplotlib alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cifar_lab.report.charts.plot import Axis, Counts, Plot
from cifar_lab.report.charts.scale import Scale, exact_scale, scale_of

#: Share of a panel's height that its histogram has, so that it covers few of the values.
FOOT = 0.3


@dataclass(frozen=True)
class Histogram:
    """Bars and their scale.

    Attributes:
        name: what is counted.
        bars: left end, width and height of each, as shares of the panel.
        ticks: height of each tick as a share of the panel, and its label.
    """

    name: str
    bars: Sequence[tuple[float, float, float]]
    ticks: Sequence[tuple[float, str]]


def histogram(plot: Plot, counts: Counts | None) -> Histogram | None:
    """Lay out a panel's histogram; None if it has none."""
    if counts is None:
        return None
    across, up = exact_scale(plot.x), _up(counts)
    edges = [across.at(edge) for edge in plot.bins]
    bars = [
        (low, high - low, FOOT * up.at(count))
        for (low, high), count in zip(pairwise(edges), counts.values, strict=True)
        if count
    ]
    # Between 0 and the top, there is no room for labels.
    ends = [(0.0, up.labels[0]), (FOOT, up.labels[-1])]
    return Histogram(counts.name, bars, ends)


def _up(counts: Counts) -> Scale:
    return scale_of(Axis(label=counts.name, low=0, whole=True), [0, max(counts.values)])
