"""Charts of a data set, each drawn from plain arrays and returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cifar_lab.report.chart import READABLE_CLASSES, axes_side_by_side, png, tidy
from cifar_lab.report.training_figures import SPLIT_COLOURS, SPLIT_NAMES


def class_distribution(counts: dict[str, NDArray[np.int64]], class_names: Sequence[str]) -> bytes:
    """Images of each class in each split.

    Args:
        counts: int64 ``(classes,)`` by the name of a split; splits without images are left out.
        class_names: in the order of the labels.
    """
    shown = {split: values for split, values in counts.items() if values.sum()}
    classes = len(class_names)
    readable = classes <= READABLE_CLASSES
    bottom = 0.45 + 0.085 * max(map(len, class_names)) if readable else 0.5
    figure = Figure(figsize=(9, 2.2 + bottom))
    (axes,) = axes_side_by_side(figure, 1, left=0.75, bottom=bottom)
    width = 0.8 / len(shown)
    for number, (split, values) in enumerate(shown.items()):
        places = np.arange(classes) + (number - (len(shown) - 1) / 2) * width
        axes.bar(places, values, width, color=SPLIT_COLOURS[split], label=SPLIT_NAMES[split])
    axes.set_xlim(-0.6, classes - 0.4)
    axes.set_ylabel("images")
    if readable:
        axes.set_xticks(range(classes), class_names, rotation=90)
    else:
        axes.set_xlabel("class, by its number")
    tidy(axes)
    axes.margins(y=0.25)
    axes.legend(frameon=False, loc="upper right", ncols=len(shown))
    return png(figure)
