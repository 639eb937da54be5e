"""Images that readers filter and open large, each with its probabilities and maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifar_lab.report.charts.pixels import EXACT, uri_of
from cifar_lab.report.charts.rendering import rendered
from cifar_lab.report.figures.image_grid import bar_colours

#: Bytes of all images of a gallery; those that come later are left out.
BYTES = 1_500_000


@dataclass(frozen=True)
class MapRow:
    """Attribution maps on one colour scale.

    Attributes:
        title: what the maps are, with their unit.
        maps: each with its title, uint8 ``(h, w, 3)``, or the reason why it has no colours.
        ticks: labels of the scale at equal distances, from its negative end to its positive one;
            empty if no map of the report has colours.
    """

    title: str
    maps: Sequence[tuple[str, NDArray[np.uint8] | str]]
    ticks: Sequence[str]


@dataclass(frozen=True)
class Item:
    """An image of the gallery.

    Attributes:
        image: uint8 ``(height, width, 3)``.
        sample: its permanent name.
        label: the true class.
        predicted: the predicted class.
        loss: cross-entropy in nats.
        ranked: the most probable classes and the true one, by name, with their probabilities in %.
        maps: its attribution maps.
    """

    image: NDArray[np.uint8]
    sample: str
    label: int
    predicted: int
    loss: float
    ranked: Sequence[tuple[str, float]]
    maps: Sequence[MapRow] = ()


@dataclass(frozen=True)
class Shown:
    """An item with its pictures as URIs: of each map its title, its URI and its note."""

    item: Item
    image: str
    maps: Sequence[tuple[MapRow, Sequence[tuple[str, str, str]]]]

    @property
    def size(self) -> int:
        """Bytes of its pictures on the page."""
        return len(self.image) + sum(len(uri) for _, maps in self.maps for _, uri, _ in maps)


def gallery(items: Sequence[Item], class_names: Sequence[str], caption: str) -> Markup:
    """Render a gallery; ``{}`` in the caption is the number of images for which there is room."""
    shown = _within(items, BYTES)
    used = sorted({n for each in shown for n in (each.item.label, each.item.predicted)})
    return rendered(
        "gallery.html.j2",
        shown=shown,
        names=class_names,
        classes=[(number, class_names[number]) for number in used],
        bar=uri_of(bar_colours(EXACT)[None, ::-1]),
        caption=caption.format(f"{len(shown):,}"),
    )


def _within(items: Sequence[Item], most: int) -> list[Shown]:
    """The first items, at least one, whose pictures are no larger together than ``most`` bytes."""
    found: list[Shown] = []
    total = 0
    for item in items:
        maps = [(row, [_map(*each) for each in row.maps]) for row in item.maps]
        each = Shown(item, uri_of(item.image), maps)
        total += each.size
        if total > most and found:
            break
        found.append(each)
    return found


def _map(title: str, map_: NDArray[np.uint8] | str) -> tuple[str, str, str]:
    return (title, "", map_) if isinstance(map_, str) else (title, uri_of(map_), "")
