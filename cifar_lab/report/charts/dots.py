"""Values by name, as plain data: a row for each name, with a dot on an axis that all share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cifar_lab.report.charts.plot import Axis, Marked

#: What may lie in a row: a filled dot, a hollow one, the line of an interval, the small rings of
#: single runs, the bar of a value to compare with, and a second value with its interval.
Part = Literal["dot", "hollow", "interval", "run", "reference", "second", "second interval"]


@dataclass(frozen=True)
class Second:
    """A second value in a row, which is a square below the dot; nan where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A row.

    Attributes:
        name: at its left.
        value: nan if there is none.
        low, high: ends of its interval; nan if there is none.
        runs: what the value is the mean of.
        reference: a value to compare with, of this row alone; nan if there is none.
        second: another quantity of the same thing, in the same unit.
        hollow: whether the dot is hollow, for which the legend gives the reason.
        shown: cells at the right of the row.
        told: the whole row in words, for the reader's cursor.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    runs: Sequence[float] = ()
    reference: float = math.nan
    second: Second | None = None
    hollow: bool = False
    shown: Sequence[str] = ()
    told: str

    def values(self) -> list[float]:
        """Everything that the axis has room for."""
        second = [] if self.second is None else [self.second.value, self.second.low,
                                                 self.second.high]  # fmt: skip
        return [self.value, self.low, self.high, self.reference, *self.runs, *second]

    def parts(self) -> set[Part]:
        """What lies in the row."""
        there: dict[Part, bool] = {
            "dot": math.isfinite(self.value) and not self.hollow,
            "hollow": math.isfinite(self.value) and self.hollow,
            "interval": math.isfinite(self.low) and math.isfinite(self.high),
            "run": len(self.runs) > 0,
            "reference": math.isfinite(self.reference),
            "second": self.second is not None and math.isfinite(self.second.value),
            "second interval": self.second is not None and math.isfinite(self.second.low),
        }
        return {part for part, is_there in there.items() if is_there}


@dataclass(frozen=True)
class Group:
    """Rows under a title, which is empty for the only group of a chart."""

    title: str
    dots: Sequence[Dot]


@dataclass(frozen=True, kw_only=True)
class Dots:
    """A chart.

    Attributes:
        axis: that all rows share.
        groups: from top to bottom.
        names: heading of the names.
        heads: headings of the cells at the right.
        legend: what each part stands for, in words.
        marked: vertical lines through all rows.
    """

    axis: Axis
    groups: Sequence[Group]
    names: str
    heads: Sequence[str] = ()
    legend: Mapping[Part, str] = field(default_factory=dict)
    marked: Sequence[Marked] = ()

    def dots(self) -> list[Dot]:
        """All rows."""
        return [dot for group in self.groups for dot in group.dots]

    def explained(self) -> list[tuple[Part, str]]:
        """The legend's entries for what is in the chart."""
        there = set[Part]().union(*(dot.parts() for dot in self.dots()))
        return [(part, words) for part, words in self.legend.items() if part in there]

    def values(self) -> list[float]:
        """Everything that the axis has room for."""
        return [*(value for dot in self.dots() for value in dot.values()),
                *(each.x for each in self.marked)]  # fmt: skip
