"""Images that readers filter and open large, each with its probabilities and maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from cifar_lab.report.charts.pixels import uri_of
from cifar_lab.report.charts.rendering import rendered

#: Bytes of all images of a gallery; those that come later are left out.
BYTES = 1_500_000


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
        maps: attribution maps with their titles, uint8 ``(h, w, 3)``.
        notes: why there are no maps of some kind.
    """

    image: NDArray[np.uint8]
    sample: str
    label: int
    predicted: int
    loss: float
    ranked: Sequence[tuple[str, float]]
    maps: Sequence[tuple[str, NDArray[np.uint8]]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Shown:
    """An item with its pictures as URIs."""

    item: Item
    image: str
    maps: Sequence[tuple[str, str]]

    @property
    def size(self) -> int:
        """Bytes of its pictures on the page."""
        return len(self.image) + sum(len(uri) for _, uri in self.maps)


def gallery(items: Sequence[Item], class_names: Sequence[str], caption: str) -> Markup:
    """Render a gallery; ``{}`` in the caption is the number of images for which there is room."""
    shown = _within(items, BYTES)
    used = sorted({n for each in shown for n in (each.item.label, each.item.predicted)})
    return rendered(
        "gallery.html.j2",
        shown=shown,
        names=class_names,
        classes=[(number, class_names[number]) for number in used],
        caption=caption.format(f"{len(shown):,}"),
    )


def _within(items: Sequence[Item], most: int) -> list[Shown]:
    """The first items, at least one, whose pictures are no larger together than ``most`` bytes."""
    found: list[Shown] = []
    total = 0
    for item in items:
        maps = [(title, uri_of(map_)) for title, map_ in item.maps]
        each = Shown(item, uri_of(item.image), maps)
        total += each.size
        if total > most and found:
            break
        found.append(each)
    return found
