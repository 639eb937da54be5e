"""How the accuracy of each class differs from the baseline's."""

from __future__ import annotations

import math

import numpy as np

from cifar_lab.report import attempts
from cifar_lab.report.attempts import picture
from cifar_lab.report.blocks import Block, Section, Table, Text
from cifar_lab.report.charts.effects import by_class
from cifar_lab.report.figures.comparison import class_differences
from cifar_lab.results.comparison import Comparison
from cifar_lab.results.exported import class_difference, class_rows
from cifar_lab.wording import signed

#: Most configurations whose numbers are in the table.
TABULATED = 12
#: Most classes of all configurations together that have a row of their own in the chart.
MOST_ROWS = 60


def classes(comparison: Comparison) -> Section | None:
    """A panel per configuration, and a table; None if predictions were not compared."""
    first, *others = comparison.rows
    header, rows = class_rows(comparison)
    if not rows or not others:
        return None
    found = [
        [class_difference(row, first, label) for label in range(len(comparison.classes))]
        for row in others
    ]
    values = np.array([[math.nan if each is None else each for each in row] for row in found])
    names = [row.configuration.name for row in others]
    seeds = max(len(row.configuration.runs) for row in comparison.rows)
    of = "; means over seeds" if seeds > 1 else ""
    label, largest = _largest(comparison, found)
    figure = picture(
        "classes",
        lambda: class_differences(comparison.classes, values, names),
        alt=f"Change of each class's accuracy against {first.configuration.name}; the largest "
        f"is {signed(largest, 1)} points, of {label}.",
        caption="Share of a class's images that are classified correctly, minus that of "
        f"{first.configuration.name}, on the {comparison.metric.split} images{of}.",
    )
    blocks: list[Block] = [figure]
    if values.size <= MOST_ROWS:
        blocks = attempts.plot(by_class(comparison.classes, values, names), figure)
    blocks.append(Text(f"The largest change is that of {label}: {signed(largest, 1)} points."))
    if len(others) < TABULATED:
        blocks.append(Table(header, rows, folded="All classes"))
    else:
        blocks.append(Text("`--format json` gives the numbers."))
    return Section("Classes", blocks)


def _largest(comparison: Comparison, found: list[list[float | None]]) -> tuple[str, float]:
    """Class with the largest change, and the change."""
    changes = [
        (name, change)
        for row in found
        for name, change in zip(comparison.classes, row, strict=True)
        if change is not None
    ]
    return max(changes, key=lambda each: abs(each[1]), default=("none", 0.0))
