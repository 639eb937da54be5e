"""Charts of a data set, each drawn from plain arrays and returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from cifar_lab.report.figures.chart import (
    BLUE,
    GREEN,
    GREY,
    TICKS,
    VERMILION,
    axes_side_by_side,
    class_scale,
    name_classes,
    png,
    tidy,
)
from cifar_lab.report.figures.lettering import SIZE, lettering, width
from cifar_lab.report.figures.training import SPLIT_COLOURS, SPLIT_MARKERS, SPLIT_NAMES

#: Colour and line style of each channel.
CHANNELS = {"red": (VERMILION, "-"), "green": (GREEN, "--"), "blue": (BLUE, ":")}


@lettering()
def class_distribution(counts: dict[str, NDArray[np.int64]], class_names: Sequence[str]) -> bytes:
    """Number of images per class in each split.

    Args:
        counts: int64 ``(classes,)`` by split name; splits without images are left out.
        class_names: in the order of the labels.
    """
    shown = {split: values for split, values in counts.items() if values.sum()}
    classes = len(class_names)
    scale = class_scale(class_names)
    figure = Figure(figsize=(max(9, 0.115 * classes + 1), 2.2 + scale.margin))
    (axes,) = axes_side_by_side(figure, 1, left=0.75, bottom=scale.margin)
    bar = 0.8 / len(shown)
    for number, (split, values) in enumerate(shown.items()):
        places = np.arange(classes) + (number - (len(shown) - 1) / 2) * bar
        axes.bar(places, values, bar, color=SPLIT_COLOURS[split], label=SPLIT_NAMES[split])
    axes.set_xlim(-0.6, classes - 0.4)
    axes.set_ylabel("images")
    name_classes(axes.xaxis, scale)
    tidy(axes)
    axes.margins(y=0.25)
    axes.legend(frameon=False, loc="upper right", ncols=len(shown))
    return png(figure)


@lettering()
def sizes_by_count(counts: dict[str, list[int]], sizes: Sequence[str]) -> bytes:
    """Number of images of each size in each split, for a few sizes, as labelled bars.

    Args:
        counts: number of images of each size, by split name.
        sizes: names of the sizes.
    """
    rows = len(sizes) * (len(counts) + 0.6)
    figure = Figure(figsize=(9, 0.75 + 0.26 * rows))
    margin = 0.35 + max(width(size, SIZE) for size in sizes)
    (axes,) = axes_side_by_side(figure, 1, left=margin, top=0.4, bottom=0.1)
    step = 1 / (len(counts) + 0.6)
    for number, (split, values) in enumerate(counts.items()):
        places = np.arange(len(sizes)) + (number - (len(counts) - 1) / 2) * step
        colour, name = SPLIT_COLOURS[split], SPLIT_NAMES[split]
        bars = axes.barh(places, values, 0.9 * step, color=colour, label=name)
        axes.bar_label(bars, [f"{value:,}" for value in values], padding=4, size=9)
    axes.set_yticks(range(len(sizes)), sizes)
    axes.set_ylim(len(sizes) - 0.5, -0.5)
    axes.set_xlim(0, 1.12 * max(max(values) for values in counts.values()))
    # The bars are labelled with their values: an axis would only repeat them.
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.legend(
        frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(counts), borderpad=0
    )
    return png(figure)


@lettering()
def many_sizes(counts: dict[str, dict[tuple[int, int], int]]) -> bytes:
    """Height against width for many sizes, one panel per split.

    Args:
        counts: number of images by height and width in pixels, by split name.
    """
    figure = Figure(figsize=(9, 9 / len(counts) - 0.3))
    sides = np.concatenate([np.asarray(list(sizes)).ravel() for sizes in counts.values()])
    low, high = 0.8 * sides.min(), 1.25 * sides.max()
    most = max(count for sizes in counts.values() for count in sizes.values())
    panels = axes_side_by_side(figure, len(counts), left=0.75, top=0.4)
    for axes, (split, sizes) in zip(panels, counts.items(), strict=True):
        heights, widths = np.asarray(list(sizes)).T
        images = np.asarray(list(sizes.values()))
        axes.plot([low, high], [low, high], color=GREY, linewidth=0.8)
        areas = 6 + 90 * images / most
        axes.scatter(widths, heights, areas, color=SPLIT_COLOURS[split], alpha=0.4, linewidths=0)
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        axes.set(xlabel="width (pixels)", ylabel="height (pixels)" if axes is panels[0] else "")
        axes.set_title(f"{SPLIT_NAMES[split]}, {images.sum():,} images", size=10)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(2, numticks=TICKS + 2))
            axis.set_major_formatter(ScalarFormatter())
            axis.set_minor_locator(NullLocator())
        axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


@lettering()
def pixel_values(
    counts: NDArray[np.int64], statistics: dict[str, tuple[NDArray[np.float64], ...]]
) -> bytes:
    """Left: histogram of training pixel values; right: mean and standard deviation by split.

    Args:
        counts: int64 ``(3, 256)``, for the channels of the training images.
        statistics: mean and standard deviation of pixels / 255, float64 ``(3,)`` each, by split
            name.
    """
    figure = Figure(figsize=(9, 3.0))
    shares, ranges = axes_side_by_side(figure, 2)
    for channel, (name, (colour, style)) in enumerate(CHANNELS.items()):
        values = 100 * counts[channel] / counts[channel].sum()
        shares.plot(np.arange(256) / 255, values, color=colour, linestyle=style, label=name)
    shares.set(
        xlabel="pixel value / 255", ylabel="share of pixels (%)", xlim=(0, 1), ylim=(0, None)
    )
    shares.legend(frameon=False, loc="upper center", ncols=3)
    # White and black are often far more frequent than other values: leave room for the legend.
    shares.set_ylim(0, 1.2 * shares.get_ylim()[1])
    for number, (split, (mean, std)) in enumerate(statistics.items()):
        places = np.arange(3) + 0.22 * (number - (len(statistics) - 1) / 2)
        ranges.errorbar(
            places, mean, std, fmt=SPLIT_MARKERS[split], color=SPLIT_COLOURS[split], capsize=3,
            label=SPLIT_NAMES[split],
        )  # fmt: skip
    ranges.set_xticks(range(3), CHANNELS)
    ranges.set(ylabel="mean ± standard deviation, / 255", ylim=(0, 1), xlim=(-0.6, 2.6))
    ranges.legend(frameon=False, loc="upper right", ncols=len(statistics))
    for axes in (shares, ranges):
        tidy(axes)
    return png(figure)
