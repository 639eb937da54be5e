"""A batch as the network saw it where images are mixed, with the weights of both labels."""

from __future__ import annotations

from collections.abc import Sequence

from cifar_lab.data.loaders import TrainLoader
from cifar_lab.data.shown import Shown, shown
from cifar_lab.nodes import NO_MIXING, type_name
from cifar_lab.report.blocks import Block
from cifar_lab.report.charts.rows import Tile
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.grids import grid
from cifar_lab.wording import percent, several

#: Images shown, images in a row, and batches of which the most evenly mixed one is shown.
IMAGES, COLUMNS, BATCHES = 16, 8, 20


def mixed(reading: Reading) -> list[Block]:
    """Part of a mixed batch of the first epoch; nothing if images are not mixed."""
    run, names = reading.run, reading.class_names
    node = run.config["mixing"]
    if node["_target_"] == NO_MIXING or not run.summary.epochs_trained:
        return []
    limit = run.config["trainer"].get("limit_batches")
    number, batch, compared = most_mixed(reading.loader, limit, run.provenance.processes)
    if not batch:
        return []
    return grid(
        "mixed_batch",
        [Tile(each.pixels, _shares(each, names)) for each in batch],
        COLUMNS,
        names,
        alt=f"{len(batch)} images of a batch mixed with {type_name(node)}; the first is "
        f"{several(_shares(batch[0], names))}.",
        caption=f"The first {len(batch)} images of batch {number + 1} of epoch 1 as the network "
        "was shown them, before normalisation. With each: the weights of both labels in the loss."
        + f" Of the first {compared} batches, this one is mixed the most evenly."
        * (compared > 1),
    )


def most_mixed(
    loader: TrainLoader, limit_batches: int | None, processes: int
) -> tuple[int, list[Shown], int]:
    """The number, from 0, and the first images of a batch of the first epoch.

    It is the one whose weights are closest to one half; without images if none is mixed.

    Returns:
        The number, the images, and how many batches were compared.
    """
    order, together = loader.order(0), loader.batch_size * processes
    most = BATCHES if limit_batches is None else min(BATCHES, limit_batches)
    whole = max(len(order) // together, 1)  # a smaller last batch would show less
    starts = range(0, whole * together, together)[:most]
    found: list[tuple[float, int]] = []
    for number, start in enumerate(starts):
        first = shown(loader, int(order[start]), 0, limit_batches, processes)
        if first is not None and first.weight < 1:
            found.append((first.weight, number))
    if not found:
        return 0, [], len(starts)
    _, number = min(found)
    rows = order[number * together :][: min(IMAGES, loader.batch_size)]
    images = (shown(loader, int(row), 0, limit_batches, processes) for row in rows)
    return number, [each for each in images if each is not None], len(starts)


def _shares(each: Shown, names: Sequence[str]) -> list[str]:
    """The class of each part with its weight, the larger first."""
    if each.label == each.partner:
        return [f"{names[each.label]}: {percent(1)}"]
    shares = ((each.label, each.weight), (each.partner, 1 - each.weight))
    return [f"{names[label]}: {percent(share)}" for label, share in shares]
