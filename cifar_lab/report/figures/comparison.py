"""Several configurations side by side: cost, classes and images, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cifar_lab.report.charts.looks import NAMED, best
from cifar_lab.report.figures.chart import (
    BLUE,
    GREY,
    TICKS,
    VERMILION,
    axes_side_by_side,
    plain_log,
    png,
    span_at_least,
    spans,
    tidy,
    tidy_rows,
)
from cifar_lab.report.figures.colour_scale import round_end
from cifar_lab.report.figures.configurations import (
    DARK,
    SMALL,
    Look,
    draw_legend,
    legend,
    looks,
    note,
    sample,
)
from cifar_lab.report.figures.image_grid import Bar, Tile, as_png, greyed, overlay, sheet
from cifar_lab.report.figures.lettering import (
    SIZE,
    labels,
    lettering,
    on_one_line,
    on_two_lines,
    width,
)

#: Width of a chart, and its left and right margins, in inches.
WIDTH, LEFT, RIGHT = 9.0, 0.95, 0.2
#: Costs that span more than this factor are drawn on a logarithmic axis.
LOG_BEYOND = 10
#: Lines of the Pareto set, and points of the configurations that have no look.
FRONT: dict[str, Any] = {"color": DARK, "linewidth": 1, "linestyle": "--"}
OTHERS: dict[str, Any] = {"marker": "o", "ms": 4, "mfc": "none"}
#: Panels in a row, most classes in a panel, and the height of a class in inches.
PANELS, CLASSES, ROW = 4, 25, 0.22
#: Room for a class's name, in inches.
ROOM = 1.5
#: Images in a row, and the side of each in pixels.
COLUMNS, SIDE = 5, 256


@lettering()
def accuracy_and_cost(
    names: Sequence[str],
    accuracy: Sequence[float],
    deviations: Sequence[float] | None,
    cost: Sequence[float],
    cost_label: str,
    pareto: Sequence[bool],
) -> bytes:
    """Accuracy against cost; a step line joins the Pareto set.

    A step line is the best accuracy that can be had for a cost. Beyond twelve configurations, only
    those of the Pareto set are named, at most the twelve with the highest accuracy.

    Args:
        names: of the configurations.
        accuracy: validation accuracy, in %.
        deviations: standard deviations over seeds, in points, nan for a single seed; None if no
            configuration has one.
        cost: one value per configuration, 0 or more.
        cost_label: what the cost is, with its unit.
        pareto: whether no other configuration is as good in both and better in one.
    """
    x, y = np.asarray(cost, np.float64), np.asarray(accuracy, np.float64)
    bars = np.full(len(y), np.nan) if deviations is None else np.asarray(deviations, np.float64)
    there = np.flatnonzero(np.isfinite(x) & np.isfinite(y)).tolist()
    front = sorted((n for n in there if pareto[n]), key=lambda n: x[n])
    highest = sorted(sorted(front, key=lambda n: -y[n])[:NAMED])
    chosen = there if len(there) <= NAMED else highest
    shown, grey = looks(len(y), chosen), len(there) - len(chosen)
    further = ["Pareto set (filled)"] * bool(front) + [f"the other {grey}"] * bool(grey)
    laid = legend([names[n] for n in chosen], WIDTH - LEFT - RIGHT, further)
    figure = Figure(figsize=(WIDTH, 4.1 + laid.height))
    (axes,) = axes_side_by_side(figure, 1, left=LEFT, bottom=0.6 + laid.height)
    axes.step(x[front], y[front], where="post", **FRONT, zorder=1)
    for n in there:
        _point(axes, (x[n], y[n], bars[n]), shown[n], n in front)
    spread = ", ± 1 sd over seeds" * bool(np.isfinite(bars).any())
    axes.set(xlabel=cost_label, ylabel=f"validation accuracy (%){spread}")
    _scale_cost(axes, x[there])
    tidy(axes)
    span_at_least(axes, "y", 0.2)
    samples = [sample(shown[n], ls="", mfc=_filling(shown[n], n in front)) for n in chosen]
    samples += [Line2D([], [], **FRONT)] * bool(front)
    samples += [sample(None, ls="", **OTHERS)] * bool(grey)
    draw_legend(figure, laid, samples, LEFT - 0.1, 0.05)
    return png(figure)


def _point(axes: Axes, place: tuple[float, float, float], drawn: Look | None, filled: bool) -> None:
    """Draw one configuration; ``place`` is its cost, its accuracy and its standard deviation."""
    x, y, deviation = place
    if drawn is None:
        axes.plot([x], [y], ls="", color=GREY, zorder=1.5, **OTHERS)
        return
    if np.isfinite(deviation):
        axes.errorbar([x], [y], [deviation], color=drawn.colour, fmt="none", capsize=3, lw=1)
    filling = _filling(drawn, filled)
    axes.plot([x], [y], drawn.marker, color=drawn.colour, mfc=filling, ms=7, mew=1.3, zorder=3)


def _filling(drawn: Look | None, filled: bool) -> str:
    return drawn.colour if drawn and filled else "white"


def _scale_cost(axes: Axes, costs: NDArray[np.float64]) -> None:
    axes.margins(0.08)
    if spans(costs, LOG_BEYOND):
        axes.set_xscale("log")
        plain_log(axes.xaxis)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(TICKS + 2))
        axes.xaxis.set_major_formatter("{x:.6g}")


@lettering()
def class_differences(
    names: Sequence[str], differences: NDArray[np.float64], configurations: Sequence[str]
) -> bytes:
    """How the accuracy of each class differs from the baseline's, one panel per configuration.

    Beyond twelve configurations, the eight with the highest mean difference are drawn; beyond 25
    classes, those whose accuracy differs most in any of the panels.

    Args:
        names: of the classes, in the order of the labels.
        differences: configuration minus baseline, in points, float64 ``(configurations, classes)``;
            nan where there is none.
        configurations: names, without the baseline.
    """
    means = np.ma.filled(np.ma.masked_invalid(differences).mean(axis=1).astype(float), np.nan)
    chosen = best(means.tolist())
    largest = np.nan_to_num(np.abs(differences[chosen])).max(axis=0)
    classes = np.sort(np.argsort(-largest, kind="stable")[:CLASSES])
    shown = [labels(names, ROOM)[n] for n in classes]
    words = _left_out(len(configurations) - len(chosen), len(names) - len(classes), len(chosen))
    titles = labels([configurations[n] for n in chosen], 1e3, kind="configuration", first=1)
    figure, panels = _panels(len(chosen), shown)
    for axes, number, title in zip(panels, chosen, titles, strict=True):
        room = axes.get_position().width * WIDTH + 0.1
        axes.set_title(on_two_lines(title, room, SMALL), size=SMALL)
        _bars(axes, differences[number, classes])
    span_at_least(panels[0], "x", 1.0)
    note(figure, words, 0.1, 0.07)
    return png(figure)


def _panels(count: int, classes: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Panels in rows, with the classes from top to bottom and the same axis in all."""
    columns, rows = min(count, PANELS), -(-count // PANELS)
    height, above, below = 0.3 + ROW * len(classes), 0.45, 0.85
    figure = Figure(figsize=(WIDTH, below + rows * height + (rows - 1) * (above + 0.25) + above))
    wide, high = figure.get_size_inches()
    grid = figure.subplots(
        rows,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        gridspec_kw={
            "left": (0.3 + max(width(label, SIZE) for label in classes)) / wide,
            "right": 1 - RIGHT / wide,
            "bottom": below / high,
            "top": 1 - above / high,
            "wspace": 0.1,
            "hspace": (above + 0.25) / height,
        },
    )
    panels = list(grid.flat)
    for axes in panels:
        tidy_rows(axes)
        axes.tick_params(labelbottom=True)
        axes.axvline(0, color=DARK, linewidth=1)
    for axes in panels[count:]:
        axes.set_visible(False)
    panels[0].set_yticks(range(len(classes)), classes)
    panels[0].set_ylim(len(classes) - 0.4, -0.6)
    panels[0].xaxis.set_major_locator(MaxNLocator(12 // columns))
    middle = (grid[-1][0].get_position().x0 + panels[columns - 1].get_position().x1) / 2
    words = "change of the class's accuracy against the baseline (points)"
    figure.text(middle, 0.3 / high, words, ha="center", va="bottom", size=SIZE)
    return figure, panels[:count]


def _bars(axes: Axes, differences: NDArray[np.float64]) -> None:
    """A bar per class; its side of the line tells gains from losses where colours do not."""
    colours = [BLUE if each > 0 else VERMILION for each in differences]
    axes.barh(range(len(differences)), np.nan_to_num(differences), 0.7, color=colours)
    for row in np.flatnonzero(~np.isfinite(differences)).tolist():
        axes.text(0, row, " no value", size=8, va="center", color=DARK)


def _left_out(configurations: int, classes: int, named: int) -> str:
    """What is not drawn, if there is any."""
    words = []
    if configurations:
        words.append(f"{configurations} configurations with a lower mean than these {named}")
    if classes:
        words.append(f"{classes} classes that change less than these {CLASSES}")
    return f"Not shown: {' and '.join(words)}." if words else ""


@lettering()
def flipped_images(
    images: NDArray[np.uint8],
    captions: Sequence[Sequence[str]],
    maps_first: NDArray[np.float32] | None,
    maps_second: NDArray[np.float32] | None,
    unit: str = "logits per cell",
) -> bytes:
    """Images in rows of five, and below each its map of the first run and of the second.

    All maps in a row of images have one scale, so that the two runs can be compared.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        captions: lines above each image.
        maps_first: signed maps, float32 ``(n, h, w)``; None if there are none. A map with a value
            that is not finite has no colours.
        maps_second: those of the other run; their size may differ.
        unit: of the maps.
    """
    maps = [each for each in (maps_first, maps_second) if each is not None]
    names = [
        f"{run} run"
        for run, each in (("first", maps_first), ("second", maps_second))
        if each is not None
    ]
    titles = ["\n".join(map(on_one_line, lines)) for lines in captions]
    bands: list[list[Tile | Bar]] = []
    for start in range(0, len(images), COLUMNS):
        chosen = range(start, min(start + COLUMNS, len(images)))
        bands.append([Tile(images[n], titles[n]) for n in chosen])
        end = round_end(max((_largest(each[n]) for each in maps for n in chosen), default=0.0))
        bar = [Bar(end, unit)] * bool(end)
        for name, each in zip(names, maps, strict=True):
            bands.append([*(_map(images[n], each[n], name, end) for n in chosen), *bar])
    return as_png(sheet(bands, side=SIDE, font_size=SMALL))


def _map(image: NDArray[np.uint8], map_: NDArray[np.float32], name: str, largest: float) -> Tile:
    if not np.isfinite(map_).all():
        return Tile(greyed(image), name, "no map")
    return Tile(overlay(image, map_, largest, SIDE), name)


def _largest(map_: NDArray[np.float32]) -> float:
    return float(np.abs(map_).max()) if np.isfinite(map_).all() else 0.0
