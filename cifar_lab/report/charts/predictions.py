"""Confidence and its worth as the data of charts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.confidence import Calibration
from cifar_lab.report.charts.plot import BLUE, GREY, Axis, Panel, Plot, Series

#: Points of the curve of accuracy by coverage.
POINTS = 200
CONFIDENCE = "confidence: mean predicted probability (%)"
COVERAGE = "coverage: share of the images kept, most confident first (%)"


def reliability(found: Calibration) -> Plot:
    """Accuracy against confidence by bin, and below it the number of images in each bin.

    The numbers are points rather than bars, whose lengths would say nothing on a logarithmic axis.
    """
    filled = found.counts > 0
    x = (100 * found.confidence[filled]).tolist()
    perfect = Series(name="perfect calibration", x=(0, 100), y=(0, 100), colour=GREY, dash=(5, 3),
                     dense=True)  # fmt: skip
    accuracy = Series(name="accuracy", x=x, y=(100 * found.accuracy[filled]).tolist(),
                      colour=BLUE, marker="o")  # fmt: skip
    images = Series(name="images", x=x, y=found.counts[filled].tolist(), colour=BLUE, line=False,
                    marker="s")  # fmt: skip
    return Plot(
        x=Axis(label=CONFIDENCE, low=0, high=100, digits=".1f"),
        panels=[
            Panel(Axis(label="accuracy (%)", low=0, high=100, digits=".2f"), [perfect, accuracy]),
            Panel(Axis(label="images in the bin", log="always", digits=".0f"), [images]),
        ],
    )


def accuracy_by_coverage(shares: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Plot:
    """Accuracy on the most confident predictions; arguments as of the figure of this name."""
    # The first few are left out: over so few images the accuracy jumps between 0 and 1.
    shown = np.unique(np.linspace(len(shares) // 50, len(shares) - 1, POINTS).astype(int))
    curve = Series(name="accuracy", x=(100 * shares[shown]).tolist(),
                   y=(100 * accuracies[shown]).tolist(), colour=BLUE)  # fmt: skip
    accuracy = Axis(label="accuracy on those kept (%)", high=100, digits=".2f")
    return Plot(
        x=Axis(label=COVERAGE, low=0, high=100, digits=".1f"), panels=[Panel(accuracy, [curve])]
    )
