"""A quantity by the values of two settings as an HTML table whose cells are shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifar_lab.report.charts.rendering import rendered


@dataclass(frozen=True)
class Grid:
    """Means by the values of two settings.

    Attributes:
        rows, columns: keys of the settings.
        row_values, column_values: their values in the order drawn.
        means: float64 ``(rows, columns)``; nan where nothing ran.
        counts: number of runs, int64 ``(rows, columns)``.
        unit: what the means are, with their unit.
    """

    rows: str
    columns: str
    row_values: Sequence[str]
    column_values: Sequence[str]
    means: NDArray[np.float64]
    counts: NDArray[np.int64]
    unit: str = "validation accuracy (%)"


@dataclass(frozen=True)
class Cell:
    """A cell: its number, its depth in 0 … 1, its number of runs, and whether it is the best."""

    mean: float | None
    depth: float
    runs: int
    best: bool


def heat_map(grid: Grid, name: str, alt: str, caption: str) -> Markup:
    """Render a grid; arguments as of :func:`svg.chart`."""
    known = grid.means[np.isfinite(grid.means)]
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    return rendered(
        "heat_map.html.j2",
        name=name,
        alt=alt,
        caption=caption,
        grid=grid,
        cells=list(zip(grid.row_values, cells(grid), strict=True)),
        ends=ends,
        counted=len(np.unique(grid.counts[np.isfinite(grid.means)])) > 1,
    )


def cells(grid: Grid) -> list[list[Cell]]:
    """The cells of each row; the deepest has the highest mean."""
    known = np.isfinite(grid.means)
    low = float(grid.means[known].min()) if known.any() else 0.0
    span = (float(grid.means[known].max()) - low if known.any() else 0.0) or math.inf
    top = int(np.nanargmax(grid.means)) if known.any() else -1
    width = len(grid.column_values)
    return [
        [
            Cell(
                mean=float(mean) if math.isfinite(mean) else None,
                depth=float((mean - low) / span) if math.isfinite(mean) else 0.0,
                runs=int(grid.counts[row, column]),
                best=row * width + column == top,
            )
            for column, mean in enumerate(means)
        ]
        for row, means in enumerate(grid.means)
    ]
