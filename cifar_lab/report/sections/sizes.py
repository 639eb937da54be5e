"""Sizes of the images before they are scaled to one size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset
from cifar_lab.report import attempts
from cifar_lab.report.blocks import Block, Picture, Table, Text
from cifar_lab.report.charts.bars import bars
from cifar_lab.report.figures.data import many_sizes, sizes_by_count
from cifar_lab.report.figures.training import SPLIT_NAMES

#: Up to this many sizes are listed one by one; of more, the minimum, median and maximum.
NAMED = 12

#: Number of images by height and width in pixels.
Counts = dict[tuple[int, int], int]


def sizes(data: Dataset) -> list[Block]:
    """Image sizes in each split: counts if there are few sizes, else their distribution."""
    found = original_sizes(data)
    counts = {split: size_counts(values) for split, values in found.items()}
    all_sizes = sorted({size for split in counts.values() for size in split})
    images = sum(map(len, found.values()))
    blocks: list[Block] = [Text(_sentence(data.image_size, images, all_sizes))]
    if len(all_sizes) > NAMED:
        return [*blocks, _many(counts), _spread(found)]
    return [*blocks, *_few(counts, all_sizes)] if len(all_sizes) > 1 else blocks


def original_sizes(data: Dataset) -> dict[str, NDArray[np.int32]]:
    """Height and width of the images in each non-empty split, int32 ``(n, 2)`` each."""
    train = data.source.train.original_sizes()
    found = {
        "train": train[data.train_indices],
        "val": train[data.val_indices],
        "test": data.source.test.original_sizes(),
    }
    return {split: values for split, values in found.items() if len(values)}


def size_counts(sizes: NDArray[np.int32]) -> Counts:
    """Count the images of each size among int32 ``(n, 2)``, from small to large."""
    unique, counts = np.unique(sizes, axis=0, return_counts=True)
    pairs = zip(unique.tolist(), counts.tolist(), strict=True)
    return {(height, width): count for (height, width), count in pairs}


def _sentence(scaled_to: tuple[int, int], images: int, all_sizes: list[tuple[int, int]]) -> str:
    if len(all_sizes) > 1:
        return (
            f"The images have {len(all_sizes):,} different sizes and are scaled to "
            f"{_named(scaled_to)} pixels (height × width)."
        )
    begins = f"All {images:,} images are {_named(all_sizes[0])} pixels (height × width)"
    return f"{begins}{f', scaled to {_named(scaled_to)}' * (all_sizes[0] != scaled_to)}."


def _few(counts: dict[str, Counts], all_sizes: list[tuple[int, int]]) -> list[Block]:
    names = [_named(size) for size in all_sizes]
    told = "; ".join(
        f"{SPLIT_NAMES[split]}: " + ", ".join(f"{n:,} of {_named(size)}" for size, n in c.items())
        for split, c in counts.items()
    )
    numbers = {split: [c.get(size, 0) for size in all_sizes] for split, c in counts.items()}
    drawn = Picture(
        "image_sizes",
        sizes_by_count(numbers, names),
        alt=f"Images by height × width; {told}.",
        caption="Number of images of each size (height × width in pixels) in each split.",
    )
    shown = {SPLIT_NAMES[split]: values for split, values in numbers.items()}
    return attempts.chart(
        lambda: bars(shown, names, "height × width", drawn.name, drawn.alt, drawn.caption), [drawn]
    )


def _many(counts: dict[str, Counts]) -> Picture:
    return Picture(
        "image_sizes",
        many_sizes(counts),
        alt="Height against width of the "
        f"{' and '.join(SPLIT_NAMES[split] for split in counts)} images.",
        caption="Height against width in pixels before scaling, both on logarithmic scales. Each "
        "dot is one size, larger for more images; images on the line are square.",
    )


def _spread(found: dict[str, NDArray[np.int32]]) -> Table:
    rows = [
        [
            SPLIT_NAMES[split],
            *(
                f"{values[:, side].min():,} / {np.median(values[:, side]):,.0f} / "
                f"{values[:, side].max():,}"
                for side in (0, 1)
            ),
        ]
        for split, values in found.items()
    ]
    return Table(("split", "height: min / median / max", "width: min / median / max"), rows)


def _named(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
