"""Counts by name as HTML: a table whose rows have a bar for each count, beside the count itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from cifar_lab.report.charts.plot import PALETTE
from cifar_lab.report.charts.rendering import rendered


def bars(
    counts: Mapping[str, Sequence[int]],
    names: Sequence[str],
    heading: str,
    name: str,
    alt: str,
    caption: str,
) -> Markup:
    """Render counts.

    Args:
        counts: one per name, by series; the bars of all share a scale that begins at 0.
        names: of the rows, from top to bottom.
        heading: of the names.
        name: unique on the page; begins its id.
        alt: what the bars show, for readers who cannot see them.
        caption: what they show, for all readers.
    """
    largest = max((max(values) for values in counts.values()), default=0) or 1
    rows = [
        (row, [(values[n], 100 * values[n] / largest) for values in counts.values()])
        for n, row in enumerate(names)
    ]
    return rendered(
        "bars.html.j2",
        series=[(each, n % len(PALETTE)) for n, each in enumerate(counts)],
        rows=rows,
        heading=heading,
        name=name,
        alt=alt,
        caption=caption,
    )
