"""Validation curves of several configurations, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifar_lab.report.charts.curves import Curve, bands, highest, spread
from cifar_lab.report.charts.looks import best
from cifar_lab.report.figures.chart import (
    GREY,
    TICKS,
    axes_side_by_side,
    plain_log,
    png,
    span_at_least,
    spans,
    tidy,
)
from cifar_lab.report.figures.configurations import (
    LINE,
    Look,
    draw_legend,
    legend,
    looks,
    note,
    sample,
)
from cifar_lab.report.figures.lettering import lettering

#: Size of the figure without its legend, and the left and right margins, in inches.
WIDTH, HEIGHT, LEFT, RIGHT = 9.0, 3.4, 0.95, 0.2
#: About how many markers a curve has.
MARKS = 8
#: Losses that span more than this factor are drawn on a logarithmic axis.
LOG_BEYOND = 30


@lettering()
def validation_curves(accuracy: Sequence[Curve], loss: Sequence[Curve]) -> bytes:
    """Validation loss and accuracy over epochs, one line per configuration.

    A line is the mean over the seeds. The band around it is ± 1 standard deviation (n - 1 in the
    denominator) for three seeds or more, and the range from the lowest to the highest for two.
    Beyond twelve configurations, the eight with the best mean accuracy at any epoch are named, and
    the others are thin grey lines without bands.

    Args:
        accuracy: one curve per configuration, in 0 … 1.
        loss: of the same configurations in the same order, in nats.
    """
    chosen = best([highest(curve) for curve in accuracy])
    shown = looks(len(accuracy), chosen)
    grey = len(shown) - len(chosen)
    rest = [f"the other {grey} ({len(chosen)} named: best accuracy)"] * bool(grey)
    laid = legend([accuracy[n].name for n in chosen], WIDTH - LEFT - RIGHT, rest)
    words = bands([*accuracy, *loss])
    below = laid.height + LINE * bool(words) + 0.05
    figure = Figure(figsize=(WIDTH, HEIGHT + below))
    loss_axes, accuracy_axes = axes_side_by_side(figure, 2, left=LEFT, bottom=0.5 + below)
    for axes, curves, scale in ((loss_axes, loss, 1.0), (accuracy_axes, accuracy, 100.0)):
        for place, (curve, each) in enumerate(zip(curves, shown, strict=True)):
            _draw(axes, curve, each, scale, place)
        axes.set_xlabel("epoch")
        tidy(axes)
    loss_axes.set_ylabel("validation loss (nats)")
    accuracy_axes.set_ylabel("validation accuracy (%)")
    _share_epochs(loss_axes, accuracy_axes)
    span_at_least(accuracy_axes, "y", 0.2)
    if spans([mean for curve in loss for mean in spread(curve)[0]], LOG_BEYOND):
        loss_axes.set_yscale("log")
        plain_log(loss_axes.yaxis)
    else:
        span_at_least(loss_axes, "y", 0.02)
    samples = [*(sample(shown[n]) for n in chosen), *[sample(None)] * bool(grey)]
    draw_legend(figure, laid, samples, LEFT - 0.1, below - laid.height)
    note(figure, words, LEFT, 0.07)
    return png(figure)


def _draw(axes: Axes, curve: Curve, drawn: Look | None, scale: float, place: int) -> None:
    mean, low, high = (scale * each for each in spread(curve))
    if drawn is None:
        axes.plot(curve.epochs, mean, color=GREY, linewidth=0.8, alpha=0.7, zorder=1)
        return
    # The markers of different curves lie at different epochs, as curves often coincide.
    every = max(1, len(mean) // MARKS)
    axes.plot(
        curve.epochs,
        mean,
        color=drawn.colour,
        linestyle=drawn.style,
        marker=drawn.marker,
        markevery=(place % every, every),
        ms=5,
        linewidth=1.5,
    )
    if len(curve.runs) > 1:
        axes.fill_between(curve.epochs, low, high, color=drawn.colour, alpha=0.15, linewidth=0)


def _share_epochs(*panels: Axes) -> None:
    """Give all panels the same epochs."""
    low = min(axes.get_xlim()[0] for axes in panels)
    high = max(axes.get_xlim()[1] for axes in panels)
    for axes in panels:
        axes.set_xlim(min(low, high - 1), max(high, low + 1))
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True, min_n_ticks=1))
