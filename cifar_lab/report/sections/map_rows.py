"""Maps as rows of images, which wrap on a phone and part between pages of paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.explain.attribution import NAMES
from cifar_lab.report.attempts import chart
from cifar_lab.report.blocks import Block, Picture
from cifar_lab.report.charts.rows import ColourScale, Row, Tile, rows_of_images
from cifar_lab.report.figures.attribution import BLANK_GREY, Scaled, Series
from cifar_lab.report.figures.colour_scale import ticks
from cifar_lab.report.figures.image_grid import cells, greyed, overlay


def beside_images(
    images: NDArray[np.uint8],
    methods: Sequence[str],
    groups: Sequence[Scaled],
    heads: Sequence[Sequence[str]],
    drawn: Sequence[Picture],
) -> list[Block]:
    """Each image and its maps.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        methods: of the groups.
        groups: maps of the ``n`` images.
        heads: lines that name each image.
        drawn: pictures of the same, whose name and words the rows have.
    """
    rows = [
        Row(
            head,
            [Tile(image), *(_over(image, each, n, g.end) for g in groups for each in g.series)],
        )
        for n, (image, head) in enumerate(zip(images, heads, strict=True))
    ]
    return _rows(rows, methods, groups, drawn)


def means(
    methods: Sequence[str],
    groups: Sequence[Scaled],
    names: Sequence[Sequence[str]],
    drawn: Picture,
) -> list[Block]:
    """The mean maps of each class or pair, by method.

    Args:
        methods: of the groups, each of which has one series.
        groups: mean maps.
        names: lines that name each class or pair.
        drawn: picture of the same, whose name and words the rows have.
    """
    rows = [
        Row(name, [_mean(method, group, n) for method, group in zip(methods, groups, strict=True)])
        for n, name in enumerate(names)
    ]
    return _rows(rows, methods, groups, [drawn])


def _rows(
    rows: Sequence[Row], methods: Sequence[str], groups: Sequence[Scaled], drawn: Sequence[Picture]
) -> list[Block]:
    first = drawn[0]
    words = (first.name, first.alt.partition(f"Part 1 of {len(drawn)}: ")[2] or first.alt)
    scales = [
        ColourScale(f"{NAMES[method]}, {group.unit}", [text for _, text in ticks(group.end)])
        for method, group in zip(methods, groups, strict=True)
        if group.end
    ]
    return chart(lambda: rows_of_images(rows, *words, first.caption, scales=scales), drawn)


def _over(image: NDArray[np.uint8], series: Series, number: int, end: float) -> Tile:
    """A map over its image, at the image's own size."""
    map_, words = series.maps[number], series.titles[number].split("\n")
    if series.notes[number]:
        return Tile(greyed(image), [*words, series.notes[number]])
    words += ["all negative"] * bool(map_.max() <= 0)
    return Tile(overlay(image, map_, end, max(image.shape[:2])), words)


def _mean(method: str, group: Scaled, number: int) -> Tile:
    (series,) = group.series
    map_, note = series.maps[number], series.notes[number]
    if note:
        return Tile(np.full((*map_.shape, 3), BLANK_GREY, np.uint8), [NAMES[method], note])
    return Tile(cells(map_, group.end, max(map_.shape)), [NAMES[method]])
