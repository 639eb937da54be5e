"""The effect of each factor of a sweep, averaged over the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from scipy.special import stdtrit

from cifar_lab.analysis.intervals import CONFIDENCE
from cifar_lab.analysis.pooled import Pooled, pooled, require_finite

#: A configuration's level of each factor, and a value per seed.
Cell = tuple[Mapping[str, str], Sequence[float]]


@dataclass(frozen=True)
class Level:
    """A level of a factor.

    Attributes:
        value: the level as text.
        mean: mean of its cells' means, in the unit of the values.
        low: lower bound of its interval; NaN if no cell has several runs.
        high: upper bound; likewise.
        cells: number of cells that are averaged.
        runs: number of runs in them.
    """

    value: str
    mean: float
    low: float
    high: float
    cells: int
    runs: int


@dataclass(frozen=True)
class Factor:
    """A factor with its levels, in the order in which they first appear.

    Attributes:
        key: name of the factor.
        levels: its levels.
        balanced: whether every level exists with the same combinations of the other factors, so
            that all cells are averaged and differences are due to the factor alone. If not, only
            the combinations that all levels have in common are averaged; if there are none, all
            cells are, and the other factors may be behind the differences.
    """

    key: str
    levels: tuple[Level, ...]
    balanced: bool


def factors(cells: Sequence[Cell]) -> list[Factor]:
    """Average the means of a sweep's cells over all factors but one, for each factor.

    The intervals are Student's at ``CONFIDENCE``, from the variance within cells, pooled over all.

    Args:
        cells: one for each configuration, all with the same factors.

    Raises:
        ValueError: the factors differ, two cells have the same levels, or a cell has no values or
            one that is not finite.
    """
    _check(cells)
    noise = pooled([values for _, values in cells])
    return [_factor(key, cells, noise) for key in (cells[0][0] if cells else ())]


def _check(cells: Sequence[Cell]) -> None:
    require_finite([values for _, values in cells])
    if any(levels.keys() != cells[0][0].keys() for levels, _ in cells):
        raise ValueError(f"the factors differ: {[sorted(levels) for levels, _ in cells]}")
    if len({frozenset(levels.items()) for levels, _ in cells}) < len(cells):
        raise ValueError("two cells have the same levels; give their values as one cell")


def _factor(key: str, cells: Sequence[Cell], noise: Pooled | None) -> Factor:
    # level of this factor: levels of the other factors: values
    table: dict[str, dict[frozenset[tuple[str, str]], Sequence[float]]] = {}
    for levels, values in cells:
        others = frozenset(item for item in levels.items() if item[0] != key)
        table.setdefault(levels[key], {})[others] = values
    common = frozenset.intersection(*(frozenset(row) for row in table.values()))
    rows = {
        level: [values for others, values in row.items() if others in common or not common]
        for level, row in table.items()
    }
    balanced = all(row.keys() == common for row in table.values())
    return Factor(key, tuple(_level(k, row, noise) for k, row in rows.items()), balanced)


def _level(value: str, cells: list[Sequence[float]], noise: Pooled | None) -> Level:
    mean = fmean(fmean(values) for values in cells)
    reach = math.nan
    if noise is not None:
        error = noise.deviation * math.sqrt(sum(1 / len(values) for values in cells)) / len(cells)
        reach = float(stdtrit(noise.freedom, (1 + CONFIDENCE) / 2)) * error
    runs = sum(map(len, cells))
    return Level(value, mean, mean - reach, mean + reach, len(cells), runs)
