"""Figures, each drawn from plain arrays and returned as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from cifar_lab.engine.hooks import Row
from cifar_lab.report.gallery import Misclassified
from cifar_lab.report.sheet import DPI, PNG_SETTINGS, Tile, as_png, overlay, sheet

#: Okabe and Ito's palette: told apart by colour-blind readers. One colour a split, everywhere.
SPLIT_COLOURS = {"train": "#0072B2", "val": "#D55E00", "test": "#009E73"}
SPLIT_NAMES = {"train": "train", "val": "validation", "test": "test"}
GALLERY_COLUMNS = 5
#: At most so many intervals on an axis.
TICKS = 5
SPLIT_MARKERS = {"train": "o", "val": "s", "test": "^"}


def curves(rows: Sequence[Row]) -> bytes:
    """Loss and accuracy of every split that was evaluated, over epochs."""
    figure = Figure(figsize=(9, 3.4))
    loss_axes, accuracy_axes = _axes(figure, 2)
    epochs = [row["epoch"] for row in rows]
    for split, colour in SPLIT_COLOURS.items():
        if f"{split}_loss" not in rows[0]:
            continue
        for axes, quantity, scale in ((loss_axes, "loss", 1), (accuracy_axes, "accuracy", 100)):
            values = [scale * row[f"{split}_{quantity}"] for row in rows]
            marker = SPLIT_MARKERS[split] if len(rows) <= 40 else None
            axes.plot(epochs, values, color=colour, marker=marker, ms=4, label=SPLIT_NAMES[split])
    loss_axes.set(xlabel="epoch", ylabel="loss (mean over images, nats)")
    accuracy_axes.set(xlabel="epoch", ylabel="accuracy (%)")
    for axes in (loss_axes, accuracy_axes):
        axes.xaxis.set_major_locator(MaxNLocator(TICKS, integer=True))
        _tidy(axes)
    # Placed, as looking for the emptiest corner takes longer than drawing.
    loss_axes.legend(frameon=False, loc="upper right")
    accuracy_axes.legend(frameon=False, loc="lower right")
    return _png(figure)


def learning_rate(
    planned: Sequence[float], steps_per_epoch: int, used: Sequence[tuple[float, float]]
) -> bytes:
    """The planned learning rate of every step, and the one used at the end of each epoch.

    Args:
        planned: learning rate of update 0, 1, ….
        steps_per_epoch: converts updates to epochs.
        used: pairs of epoch and learning rate, as recorded; may be empty.
    """
    figure = Figure(figsize=(9, 2.6))
    (axes,) = _axes(figure, 1)
    # Update k ends at (k + 1) / steps_per_epoch: the last of epoch 1 lies at epoch 1.
    epochs = (np.arange(len(planned)) + 1) / steps_per_epoch
    axes.plot(epochs, planned, color="#0072B2", label="planned, every step")
    if used:
        recorded_epochs, rates = zip(*used, strict=True)
        axes.plot(
            recorded_epochs, rates, "o", color="#D55E00", ms=5, label="used, last step of an epoch"
        )
    axes.set(xlabel="epoch", ylabel="learning rate", xlim=(0, None), ylim=(0, None))
    _tidy(axes)
    axes.legend(frameon=False, loc="upper right")
    return _png(figure)


def gallery(
    images: NDArray[np.uint8],
    maps: NDArray[np.float32],
    rows: Sequence[Misclassified],
    class_names: Sequence[str],
) -> bytes:
    """Misclassified images, in true colours, each above its signed GradCAM map.

    Args:
        images: uint8 ``(n, height, width, 3)``, as they are on disk.
        maps: float32 ``(n, h, w)``, signed; each is drawn on its own symmetric scale.
        rows: one a picture.
        class_names: in the order of the labels.
    """
    pictures = [
        Tile(
            image,
            f"{class_names[row.predicted]} ({row.predicted_probability:.1%})\n"
            f"true: {class_names[row.label]} ({row.true_probability:.1%})",
        )
        for row, image in zip(rows, images, strict=True)
    ]
    overlays = [_map_tile(image, map_) for image, map_ in zip(images, maps, strict=True)]
    bands = []
    for start in range(0, len(rows), GALLERY_COLUMNS):
        bands += [each[start : start + GALLERY_COLUMNS] for each in (pictures, overlays)]
    return as_png(sheet(bands, side=256, font_size=9))


def samples(images: Sequence[NDArray[np.uint8]], titles: Sequence[str], columns: int) -> bytes:
    """A grid of images with a title each.

    Args:
        images: uint8 ``(height, width, 3)`` each.
        titles: one an image.
        columns: images a row.
    """
    tiles = [Tile(image, title) for image, title in zip(images, titles, strict=True)]
    bands = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return as_png(sheet(bands, side=144, font_size=8))


def _map_tile(image: NDArray[np.uint8], map_: NDArray[np.float32]) -> Tile:
    largest = float(np.abs(map_).max()) or 1.0
    note = f"±{largest:.2g}"
    if map_.max() <= 0:
        note = "all negative" if map_.min() < 0 else "nothing attributed"
    return Tile(overlay(image, map_, largest, side=256), note)


def _axes(figure: Figure, columns: int) -> list[Axes]:
    """Axes side by side with margins in inches: an automatic layout draws everything twice."""
    width, height = figure.get_size_inches()
    grid = figure.subplots(
        1,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.65 / width,
            "right": 1 - 0.1 / width,
            "bottom": 0.5 / height,
            "top": 1 - 0.1 / height,
            "wspace": 0.2,
        },
    )
    return list(grid[0])


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(TICKS))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, pil_kwargs=PNG_SETTINGS)
    return buffer.getvalue()
