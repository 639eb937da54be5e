"""A chart of dots as HTML: a table whose rows each have a drawing, complete without script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cifar_lab.report.charts.dots import Dot, Dots, Second
from cifar_lab.report.charts.rendering import rendered
from cifar_lab.report.charts.scale import Scale, scale_of

#: Most letters beside a drawing on phones.
SHORT = 26


@dataclass(frozen=True)
class DrawnRow:
    """A row in per cent of the width of the plot; None where there is nothing.

    Attributes:
        dot: what is drawn.
        at: the value.
        interval: both ends, cut off at the ends of the axis.
        runs: single runs.
        reference: what the value is compared with.
        second: another value, and both ends of its interval.
    """

    dot: Dot
    at: float | None
    interval: tuple[float, float] | None
    runs: Sequence[float]
    reference: float | None
    second: tuple[float, tuple[float, float] | None] | None


def chart(dots: Dots, name: str, alt: str, caption: str) -> Markup:
    """Render a chart; arguments as of :func:`svg.chart`."""
    scale = scale_of(dots.axis, dots.values())
    ticks = zip(scale.ticks, scale.labels, strict=True)
    return rendered(
        "dots.html.j2",
        name=name,
        alt=alt,
        caption=caption,
        dots=dots,
        legend=dots.explained(),
        short=_is_short(dots),
        groups=[(group.title, [drawn(dot, scale) for dot in group.dots]) for group in dots.groups],
        ticks=[(_place(scale, tick), label) for tick, label in ticks],
        marked=[(_place(scale, each.x), each.name) for each in dots.marked],
    )


def _is_short(dots: Dots) -> bool:
    """Whether names and cells leave room for the drawing beside them on phones."""
    rows = dots.dots()
    names = max(map(len, [dots.names, *(dot.name for dot in rows)]))
    cells = [max(map(len, [head, *(dot.shown[place] for dot in rows)]))
             for place, head in enumerate(dots.heads)]  # fmt: skip
    return names + sum(cells) <= SHORT


def drawn(dot: Dot, scale: Scale) -> DrawnRow:
    """Lay out a row."""
    return DrawnRow(
        dot=dot,
        at=_place(scale, dot.value),
        interval=_interval(scale, dot.low, dot.high),
        runs=[place for place in (_place(scale, run) for run in dot.runs) if place is not None],
        reference=_place(scale, dot.reference),
        second=_second(scale, dot.second),
    )


def _interval(scale: Scale, low: float, high: float) -> tuple[float, float] | None:
    ends = _place(scale, low), _place(scale, high)
    return None if ends[0] is None or ends[1] is None else (max(ends[0], 0.0), min(ends[1], 100.0))


def _second(scale: Scale, second: Second | None) -> tuple[float, tuple[float, float] | None] | None:
    at = None if second is None else _place(scale, second.value)
    if second is None or at is None:
        return None
    return at, _interval(scale, second.low, second.high)


def _place(scale: Scale, value: float) -> float | None:
    """Per cent of the width."""
    return 100 * scale.at(value) if math.isfinite(value) else None
