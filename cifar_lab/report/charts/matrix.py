"""The confusion matrix as SVG, which readers reorder, enlarge and click on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifar_lab.report.charts.rendering import rendered
from cifar_lab.report.figures.chart import COUNTED_CLASSES, NAMED_CLASSES
from cifar_lab.report.figures.lettering import fitted, on_one_line, width

#: Sides of a cell with and without numbers in it, in pixels.
WIDE, NARROW = 46, 15
#: Room for a name, and the size of its letters with and without numbers in the cells, in pixels.
ROOM, LARGE, SMALL = 150, 13, 11
#: Pixels in an inch, and points.
PIXELS, POINTS = 96, 0.75
#: Opacity of the deepest colour: numbers on it can still be read.
DEEPEST = 0.6


@dataclass(frozen=True)
class Cell:
    """A pair of true and predicted class that has images."""

    row: int
    column: int
    images: int
    share: float
    opacity: float


@dataclass(frozen=True)
class Matrix:
    """A laid-out matrix, in pixels.

    Attributes:
        cells: those with images.
        names: one per class, as there is room for it; empty where a class is not named.
        side: of a cell.
        left, top: room for the names of rows and columns.
        upright: whether names of columns stand upright, since they are wider than a cell.
        counted: whether cells have numbers.
        size: of the letters of names.
        largest: share off the diagonal that has the deepest colour, in 0 … 1.
    """

    cells: Sequence[Cell]
    names: Sequence[str]
    side: int
    left: float
    top: float
    upright: bool
    counted: bool
    size: int
    largest: float

    @property
    def across(self) -> float:
        """Width of the whole."""
        return self.left + self.side * len(self.names) + 1

    @property
    def down(self) -> float:
        """Height of the whole."""
        return self.top + self.side * len(self.names) + 1


def confusion_matrix(
    matrix: NDArray[np.int64], class_names: Sequence[str], order: Sequence[int], alt: str,
    caption: str,
) -> Markup:  # fmt: skip
    """Render a confusion matrix.

    Args:
        matrix: counts by true class (row) and predicted class (column), int64.
        class_names: in the order of the labels.
        order: classes in the order that readers can choose instead.
        alt: text for readers who cannot see it.
        caption: what it shows.
    """
    return rendered(
        "matrix.html.j2",
        laid=laid_out(matrix, class_names),
        names=class_names,
        alt=alt,
        caption=caption,
        deepest=DEEPEST,
        read=json.dumps({
            "names": list(class_names),
            "order": list(order),
            "counts": matrix.tolist(),
        }),
    )  # fmt: skip


def laid_out(matrix: NDArray[np.int64], class_names: Sequence[str]) -> Matrix:
    """Lay out a matrix: few classes have numbers in their cells, and very many no names."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    largest = float((shares - np.diag(np.diag(shares))).max(initial=0.0)) or 1.0
    counted = len(class_names) <= COUNTED_CLASSES
    side, size = (WIDE, LARGE) if counted else (NARROW, SMALL)
    names = _names(class_names, size)
    widest = max((_pixels(name, size) for name in names), default=0.0)
    upright = widest > side - 2 and len(class_names) <= NAMED_CLASSES
    cells = [
        Cell(int(row), int(column), int(matrix[row, column]), float(shares[row, column]),
             _opacity(float(shares[row, column]), row == column, largest))
        for row, column in np.argwhere(matrix)
    ]  # fmt: skip
    return Matrix(cells, names, side, widest + 34, (widest if upright else size) + 34, upright,
                  counted, size, largest)  # fmt: skip


def _opacity(share: float, right: bool, largest: float) -> float:
    """The diagonal is muted: it would outshine the confusions."""
    return 0.25 * share if right else DEEPEST * share / largest


def _names(class_names: Sequence[str], size: int) -> list[str]:
    """Names that fit; of very many classes, every tenth number."""
    if len(class_names) > NAMED_CLASSES:
        return [str(n) if n % 10 == 0 else "" for n in range(len(class_names))]
    return [fitted(on_one_line(name), ROOM / PIXELS, size * POINTS) for name in class_names]


def _pixels(name: str, size: int) -> float:
    return width(name, size * POINTS) * PIXELS
