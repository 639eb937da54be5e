"""Signed maps of images, with a colour bar on every row, returned as PNG bytes.

Every group of maps has one scale in all of a figure, so that equal values have equal colours. A map
that is negligible against what it explains has no colours, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.misclassified import Misclassified
from cifar_lab.report.figures.colour_scale import round_end
from cifar_lab.report.figures.image_grid import (
    Bar,
    Tile,
    as_png,
    cells,
    greyed,
    overlay,
    sheet,
)
from cifar_lab.report.figures.lettering import in_glyphs, lettering

#: Images in a row of the gallery, and maps in a row beside an image.
GALLERY_COLUMNS, MAP_COLUMNS = 5, 3
#: Rows of tiles in one figure of maps beside images, unless a single image needs more.
ROWS = 12
#: Most rows in any figure: matplotlib draws at most 65,536 pixels.
MOST_ROWS = 120
#: Grey level of a mean map without colours.
BLANK_GREY = 225


#: A row of a figure.
Band = Sequence[Tile | Bar]


@dataclass(frozen=True)
class Series:
    """Maps of the same kind, one for each image.

    Attributes:
        maps: float32 ``(n, h, w)``, signed.
        titles: one for each map; may be empty.
        notes: why a map has no colours; empty for those that have.
    """

    maps: NDArray[np.float32]
    titles: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class Scaled:
    """Series on one scale.

    Attributes:
        unit: of the maps' values.
        series: maps of the same images.
    """

    unit: str
    series: Sequence[Series]

    @cached_property
    def end(self) -> float:
        """Where the scale ends on both sides of 0, a round number; 0 if no map has colours."""
        found = [
            float(np.abs(map_).max())
            for each in self.series
            for map_, note in zip(each.maps, each.notes, strict=True)
            if not note
        ]
        return round_end(max(found, default=0.0))


@lettering()
def gallery(
    images: NDArray[np.uint8],
    groups: Sequence[Scaled],
    rows: Sequence[Misclassified],
    class_names: Sequence[str],
) -> list[bytes]:
    """Misclassified images, in true colours, each above its maps; several figures if very tall.

    Args:
        images: uint8 ``(n, height, width, 3)``, before normalisation.
        groups: maps of the ``n`` images; if empty, only images are drawn.
        rows: one per image.
        class_names: in the order of the labels.
    """
    names = [in_glyphs(name, class_names) for name in class_names]
    pictures = [
        Tile(
            image,
            f"{names[row.predicted]} ({row.predicted_probability:.1%})\n"
            f"true: {names[row.label]} ({row.true_probability:.1%})",
        )
        for row, image in zip(rows, images, strict=True)
    ]
    blocks = []
    for start in range(0, len(rows), GALLERY_COLUMNS):
        chosen = range(start, min(start + GALLERY_COLUMNS, len(rows)))
        block: list[Band] = [[pictures[number] for number in chosen]]
        for group in groups:
            block += [
                [
                    *(_tile(images[n], each, n, group.end, 256) for n in chosen),
                    *_bar(group, [each], chosen),
                ]
                for each in group.series
            ]
        blocks.append(block)
    return [as_png(sheet(bands, side=256, font_size=9)) for bands in _divided(blocks, MOST_ROWS)]


@lettering()
def attributions(
    images: NDArray[np.uint8], groups: Sequence[Scaled], names: Sequence[str]
) -> list[bytes]:
    """Each image beside its maps; as many figures as are needed to keep them short.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        groups: maps of the ``n`` images.
        names: names of the ``n`` images.
    """
    blocks = [_beside(images[n], groups, names[n], n) for n in range(len(images))]
    return [as_png(sheet(bands, side=192, font_size=9)) for bands in _divided(blocks, ROWS)]


def _divided(blocks: Sequence[list[Band]], rows: int) -> list[list[Band]]:
    """The rows of each figure; a block that is longer than a figure fills several."""
    parts = [
        block[start : start + MOST_ROWS]
        for block in blocks
        for start in range(0, len(block), MOST_ROWS)
    ]
    figures: list[list[Band]] = []
    for part in parts:
        if not figures or len(figures[-1]) + len(part) > rows:
            figures.append([])
        figures[-1] += part
    return figures


def _beside(
    image: NDArray[np.uint8], groups: Sequence[Scaled], name: str, number: int
) -> list[Band]:
    """The rows of one image; it is repeated at the start of each."""
    bands: list[list[Tile | Bar]] = []
    free = 0
    for group in groups:
        tiles = [_tile(image, each, number, group.end, 192) for each in group.series]
        if len(tiles) > free:
            bands.append([Tile(image, name)])
            free = MAP_COLUMNS
        bands[-1] += [*tiles, *_bar(group, group.series, [number])]
        free -= len(tiles)
    return [*bands]


@lettering()
def mean_maps(groups: Sequence[Scaled], columns: int) -> bytes:
    """Mean maps without an image beneath them.

    Args:
        groups: maps of the same classes or pairs.
        columns: maps per row.
    """
    number = len(groups[0].series[0].maps)
    bands: list[Band] = []
    for start in range(0, number, columns):
        chosen = range(start, min(start + columns, number))
        for group in groups:
            bands += [
                [
                    *(_mean_tile(each, n, group.end) for n in chosen),
                    *_bar(group, [each], chosen),
                ]
                for each in group.series
            ]
    return as_png(sheet(bands, side=160, font_size=8))


def _mean_tile(series: Series, number: int, end: float) -> Tile:
    map_, title, note = series.maps[number], series.titles[number], series.notes[number]
    if note:
        return Tile(np.full((*map_.shape, 3), BLANK_GREY, np.uint8), title, note)
    return Tile(cells(map_, end, side=160), title)


def _tile(image: NDArray[np.uint8], series: Series, number: int, end: float, side: int) -> Tile:
    """A map over its image, marked if no cell is positive, as its colours could mislead."""
    map_, title, note = series.maps[number], series.titles[number], series.notes[number]
    if note:
        return Tile(greyed(image), title, note)
    title += "\nall negative" * bool(map_.max() <= 0)
    return Tile(overlay(image, map_, end, side), title)


def _bar(group: Scaled, series: Sequence[Series], chosen: Sequence[int]) -> list[Bar]:
    """The group's colour bar, beside maps of which any has colours."""
    coloured = any(not each.notes[number] for each in series for number in chosen)
    return [Bar(group.end, group.unit)] if coloured and group.end else []
