"""Image grids, with and without maps over the images, returned as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.misclassified import Misclassified
from cifar_lab.report.figures.image_grid import Tile, as_png, cells, overlay, sheet
from cifar_lab.report.figures.lettering import lettering

GALLERY_COLUMNS = 5


@lettering()
def gallery(
    images: NDArray[np.uint8],
    maps: Mapping[str, NDArray[np.float32]],
    rows: Sequence[Misclassified],
    class_names: Sequence[str],
) -> bytes:
    """Misclassified images, in true colours, each above its signed maps.

    Args:
        images: uint8 ``(n, height, width, 3)``, before normalisation.
        maps: signed float32 ``(n, h, w)`` by layer name, which is shown if there are several; each
            map has its own symmetric scale. If empty, only images are drawn.
        rows: one per image.
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
    kinds = [pictures]
    for layer, of_layer in maps.items():
        above = f"{layer}: " if len(maps) > 1 else ""
        kinds.append(
            [
                map_tile(image, map_, float(np.abs(map_).max()), side=256, above=above)
                for image, map_ in zip(images, of_layer, strict=True)
            ]
        )
    bands = []
    for start in range(0, len(rows), GALLERY_COLUMNS):
        bands += [tiles[start : start + GALLERY_COLUMNS] for tiles in kinds]
    return as_png(sheet(bands, side=256, font_size=9))


@lettering()
def attributions(
    images: NDArray[np.uint8],
    rows: Sequence[Sequence[NDArray[np.float32]]],
    names: Sequence[str],
    titles: Sequence[Sequence[str]],
) -> bytes:
    """One row per image: the image, then its maps on one scale.

    Args:
        images: uint8 ``(n, height, width, 3)``.
        rows: each image's maps, signed float32 ``(h, w)`` each, in one unit.
        names: names of the ``n`` images.
        titles: titles of each image's maps.
    """
    bands = []
    for image, maps, name, words in zip(images, rows, names, titles, strict=True):
        largest = max(float(np.abs(map_).max()) for map_ in maps)
        tiles = [
            map_tile(image, map_, largest, side=192, above=f"{title}\n")
            for map_, title in zip(maps, words, strict=True)
        ]
        bands.append([Tile(image, name), *tiles])
    return as_png(sheet(bands, side=192, font_size=8))


@lettering()
def mean_maps(maps: NDArray[np.float32], titles: Sequence[str], columns: int) -> bytes:
    """Mean maps without an image beneath them, all on one scale.

    Args:
        maps: float32 ``(n, h, w)``, signed.
        titles: one per map.
        columns: maps per row.
    """
    largest = float(np.abs(maps).max())
    tiles = [Tile(cells(m, largest, side=160), t) for m, t in zip(maps, titles, strict=True)]
    return as_png(sheet(_bands(tiles, columns), side=160, font_size=8))


@lettering()
def samples(images: Sequence[NDArray[np.uint8]], titles: Sequence[str], columns: int) -> bytes:
    """An image grid with a title above each image.

    Args:
        images: uint8 ``(height, width, 3)`` each.
        titles: one per image.
        columns: images per row.
    """
    tiles = [Tile(image, title) for image, title in zip(images, titles, strict=True)]
    return as_png(sheet(_bands(tiles, columns), side=144, font_size=8))


def map_tile(
    image: NDArray[np.uint8],
    map_: NDArray[np.float32],
    largest: float,
    side: int,
    above: str = "",
) -> Tile:
    """A map over its image, marked if no cell is positive, as its colours could mislead.

    Args:
        image: uint8 ``(height, width, 3)``.
        map_: float32 ``(h, w)``, signed.
        largest: magnitude drawn in the deepest colour, for either sign.
        side: maximum side of the tile in pixels.
        above: start of the title.
    """
    note = f"±{largest:.2g}"
    if map_.max() <= 0:
        note = "all negative" if map_.min() < 0 else "all zero"
    return Tile(overlay(image, map_, largest, side), f"{above}{note}")


def _bands(tiles: Sequence[Tile], columns: int) -> list[Sequence[Tile]]:
    return [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
