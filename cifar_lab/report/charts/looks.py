"""Configurations that are told apart by colour, marker and dashes, also in grey print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cifar_lab.report.charts.plot import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    SKY,
    VERMILION,
    Marker,
)

#: Number of configurations that can be told apart, and how many of more are drawn in colour.
NAMED, BEST = 12, 8
COLOURS = (BLUE, VERMILION, GREEN, BLACK, PINK, SKY, ORANGE)
MARKERS: tuple[Marker, ...] = ("o", "s", "^")
DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (8, 3, 2, 3), (2, 3))


class Look(NamedTuple):
    """How one configuration is drawn, the same in every panel of a chart."""

    colour: int
    marker: Marker
    dash: tuple[int, ...]


def best(values: Sequence[float]) -> list[int]:
    """Numbers of the configurations that have a look of their own, in increasing order.

    Up to ``NAMED`` configurations all have one, beyond that the ``BEST`` with the highest values.

    Args:
        values: one per configuration; nan is the lowest.
    """
    ranks = [-value if np.isfinite(value) else np.inf for value in values]
    kept = len(ranks) if len(ranks) <= NAMED else BEST
    return sorted(np.argsort(ranks, kind="stable")[:kept].tolist())


def look(place: int) -> Look:
    """The look at a place below ``NAMED``; no two are equal in grey print."""
    return Look(
        COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)], DASHES[place % len(DASHES)]
    )
