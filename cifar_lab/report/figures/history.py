"""How a search went, returned as PNG bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cifar_lab.report.figures.chart import (
    BLUE,
    TICKS,
    VERMILION,
    axes_side_by_side,
    png,
    span_at_least,
    tidy,
)
from cifar_lab.report.figures.configurations import SMALL
from cifar_lab.report.figures.lettering import lettering

#: States of trials whose value counts.
DONE = ("done", "complete")
#: What trials without a value are called, by state, and in any other state.
KINDS = {"failed": "failed", "fail": "failed", "pruned": "pruned"}
OTHER = "no value"
#: Their markers and colours.
MARKS = {"failed": ("x", VERMILION), "pruned": ("+", "black"), OTHER: ("1", "black")}
#: Number of trials beyond which they are drawn small.
MANY = 100


@lettering()
def search_history(
    values: Sequence[float | None],
    states: Sequence[str],
    label: str = "validation accuracy (%)",
) -> bytes:
    """Each trial's value, and the highest so far; trials without a value are marked at the bottom.

    Args:
        values: of the trials in the order in which they were started, the higher the better; None
            or nan where there is none.
        states: of the same trials; a value counts if its trial is ``done`` or ``complete``.
        label: what the values are, with their unit.
    """
    figure = Figure(figsize=(9, 3.6))
    (axes,) = axes_side_by_side(figure, 1, top=0.4)
    heights = np.asarray([np.nan if each is None else each for each in values], np.float64)
    done = np.isfinite(heights) & np.asarray([each in DONE for each in states], bool)
    trials, size = np.arange(len(heights)), 6.0 if len(heights) <= MANY else 3.0
    if done.any():
        best = np.fmax.accumulate(np.where(done, heights, np.nan))
        axes.plot(trials[done], heights[done], "o", color=BLUE, ms=size, mfc="none", label="trial")
        axes.step(trials, best, where="post", color="black", lw=1.5, label="best so far")
    _without_value(axes, trials[~done], [states[n] for n in np.flatnonzero(~done).tolist()], size)
    beyond = max(0.5, 0.02 * len(heights))
    axes.set(xlabel="trial", ylabel=label, xlim=(-beyond, max(len(heights) - 1, 0) + beyond))
    axes.margins(y=0.12)  # the marks at the bottom lie below the lowest value
    axes.xaxis.set_major_locator(MaxNLocator(2 * TICKS, integer=True, min_n_ticks=1))
    tidy(axes)
    span_at_least(axes, "y", 0.2)
    if not done.any():
        axes.set_yticks([])
    axes.legend(
        frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=5, borderaxespad=0.2,
        fontsize=SMALL,
    )  # fmt: skip
    return png(figure)


def _without_value(
    axes: Axes, trials: NDArray[np.int64], states: Sequence[str], size: float
) -> None:
    """Mark trials at the bottom, each kind with a marker of its own."""
    kinds = [KINDS.get(state, OTHER) for state in states]
    for kind, count in Counter(kinds).items():
        marker, colour = MARKS[kind]
        places = [trial for trial, each in zip(trials, kinds, strict=True) if each == kind]
        axes.plot(
            places,
            [0.04] * count,
            marker,
            color=colour,
            ms=size + 1,
            transform=axes.get_xaxis_transform(),
            label=f"{kind} ({count})",
        )
