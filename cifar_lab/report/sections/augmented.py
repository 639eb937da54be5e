"""Training images as the network is shown them in each epoch: augmented and mixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.loaders import TrainLoader
from cifar_lab.data.shown import Shown, rows_shown, shown
from cifar_lab.nodes import NO_MIXING, type_name
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Picture
from cifar_lab.report.charts.rows import Row, Tile
from cifar_lab.report.figures.images import rows_of_samples
from cifar_lab.report.reading import Reading
from cifar_lab.wording import plural, several

#: Most epochs shown, and images.
EPOCHS, IMAGES = 7, 6


def augmented(reading: Reading) -> list[Block]:
    """A few images in the epochs of the run: all of them, or the first few and the last."""
    config, trained = reading.run.config, reading.run.summary.epochs_trained
    limit, processes = config["trainer"].get("limit_batches"), reading.run.provenance.processes
    epochs = epochs_shown(trained)
    steps = list(config["augmentation"]["train"])
    only = "" if limit is None else f" Each epoch had {plural(limit, 'batch', 'batches')} only."
    shown_rows = rows(reading.loader, reading.class_names, trained, IMAGES, limit, processes)
    drawn = Picture(
        "augmented",
        rows_of_samples(shown_rows, len(epochs) + 1, reading.class_names),
        alt=f"Original training images, and the same as shown in {_named(epochs, trained)}.",
        caption="Left: original training images. To the right: what the network was shown of them "
        f"in {_named(epochs, trained)}, before normalisation: "
        f"{several(steps) if steps else 'no augmentation'}.{_mixed(config)}{only}",
        width="natural",
    )
    return attempts.rows(lambda: shown_rows, drawn)


def rows(
    loader: TrainLoader,
    class_names: Sequence[str],
    trained: int,
    images: int,
    limit_batches: int | None,
    processes: int,
) -> list[Row]:
    """Rows of an image and what each epoch shows of it.

    Args:
        loader: of the run.
        class_names: in the order of the labels.
        trained: epochs of the run.
        images: number of images; of a run with few batches, those shown in most epochs.
        limit_batches: batches of each epoch; None for all.
        processes: number of processes of the run.
    """
    epochs = epochs_shown(trained)
    chosen = spread(rows_shown(loader, epochs, limit_batches, processes), images)
    # By epoch first: the random draws of an epoch are made once for all images.
    found = [
        [shown(loader, int(row), epoch, limit_batches, processes) for row in chosen]
        for epoch in epochs
    ]
    return [
        Row(
            [class_names[loader.labels[row]]],
            [
                Tile(loader.images[row]),
                *(
                    _tile(of_epoch[place], epoch, class_names)
                    for epoch, of_epoch in zip(epochs, found, strict=True)
                ),
            ],
        )
        for place, row in enumerate(chosen)
    ]


def _tile(each: Shown | None, epoch: int, class_names: Sequence[str]) -> Tile:
    """An image of an epoch, with what is to be said of one that was mixed or not shown."""
    words = [f"epoch {epoch + 1}"]
    if each is None:
        return Tile(None, [*words, "not shown"])
    if each.weight < 1:
        share = round(100 * each.weight)
        words.append(f"{class_names[each.label]}: {share} %")
        words.append(f"{class_names[each.partner]}: {100 - share} %")
    return Tile(each.pixels, words)


def epochs_shown(trained: int) -> list[int]:
    """All epochs, from 0, or the first few and the last."""
    if trained <= EPOCHS:
        return list(range(trained))
    return [*range(EPOCHS - 1), trained - 1]


def spread(rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """At most ``number`` rows, evenly spaced: neighbours on disk often show the same object."""
    places = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
    return rows[places]


def _named(epochs: Sequence[int], trained: int) -> str:
    """Words such as ``epochs 1 to 6 and 24 of 24``."""
    if not epochs:
        return "no epoch, as none was completed"
    if len(epochs) == 1:
        return "epoch 1, the only one"
    if len(epochs) == trained:
        return f"epochs 1 {'and' if trained == 2 else 'to'} {trained}, which are all"
    return f"epochs 1 to {len(epochs) - 1} and {trained:,} of {trained:,}"


def _mixed(config: dict[str, Any]) -> str:
    """How images were mixed afterwards, if they were."""
    node = config["mixing"]
    if node["_target_"] == NO_MIXING:
        return ""
    settings = ", ".join(f"{k} {v:g}" for k, v in node.items() if not k.startswith("_"))
    return (
        f" Images were then mixed in pairs within each batch ({type_name(node)}, {settings}); the "
        "shares of both classes in the loss stand with those that were."
    )
