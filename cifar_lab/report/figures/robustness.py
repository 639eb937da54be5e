"""Accuracy against the severity of corruptions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cifar_lab.report.figures.chart import (
    BLUE,
    GREEN,
    GREY,
    VERMILION,
    axes_side_by_side,
    png,
    tidy,
)
from cifar_lab.report.figures.lettering import lettering

#: Colours and markers of the lines, in their order.
STYLES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), ("#CC79A7", "D"))


@lettering()
def by_severity(families: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Draw a line for each family, of accuracies by severity from 0 (clean), float64 ``(s,)``."""
    figure = Figure(figsize=(9, 3.4))
    (axes,) = axes_side_by_side(figure, 1, right=1.6)
    severities = np.arange(max(map(len, families.values())))
    for (name, accuracies), (colour, marker) in zip(families.items(), STYLES, strict=True):
        axes.plot(
            severities,
            100 * accuracies,
            color=colour,
            marker=marker,
            ms=5,
            linewidth=1.6,
            label=name,
        )
    clean = 100 * max(accuracies[0] for accuracies in families.values())
    axes.axhline(clean, color=GREY, linewidth=1, linestyle="--", label="test images", zorder=0)
    axes.set(xlabel="severity", ylabel="accuracy (%)", ylim=(0, 102))
    axes.set_xticks(severities, ["clean", *map(str, severities[1:])])
    tidy(axes)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return png(figure)
