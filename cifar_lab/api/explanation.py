"""Where a run's network looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.refusal import Refusal
from cifar_lab.wording import plural

if TYPE_CHECKING:
    from cifar_lab.deploy.classifier import Classifier, Maps

#: Most images in a figure.
MOST = 12


@dataclass(frozen=True)
class Picture:
    """A picture, which a notebook shows.

    Attributes:
        png: content of the file.
    """

    png: bytes = field(repr=False)

    def save(self, path: str | Path) -> None:
        """Write it as a PNG file."""
        Path(path).write_bytes(self.png)

    def _repr_png_(self) -> bytes:
        return self.png


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps of images, in their order.

    Attributes:
        maps: float32 ``(n, h, w)`` in −1 … 1: positive where a location supports the class, each
            map divided by its largest magnitude. ``h`` and ``w`` are those of the layer or, for
            methods without one, of the image.
        labels: name of the class that each map explains.
        method: by which they were made.
        layer: of the network; empty for methods without one.
        notes: why a map says nothing, for example as it sums to almost nothing of the logit; empty
            for those that do.
        pixels: uint8 ``(n, height, width, 3)``, the images as the network saw them.
        found: the maps in the unit of the method, and the logits that they explain.
    """

    maps: NDArray[np.float32]
    labels: tuple[str, ...]
    method: str
    layer: str
    notes: tuple[str, ...]
    pixels: NDArray[np.uint8]
    found: Maps

    def figure(self, first: int = 0) -> Picture:
        """Draw images beside their maps, at most 12, from number ``first`` on.

        Raises:
            Refusal: there is no such image.
        """
        from cifar_lab.explain.attribution import NAMES, UNITS
        from cifar_lab.report.figures.attribution import Scaled, Series, attributions

        if not 0 <= first < len(self.maps):
            raise Refusal(f"figure({first}): must be from 0 to {len(self.maps) - 1}")
        chosen = slice(first, first + MOST)
        where = "\n".join(part for part in (NAMES[self.method], self.layer) if part)
        titles = [
            f"{where}\n{label}: {value:.2f}"
            for label, value in zip(self.labels[chosen], self.found.values[chosen], strict=True)
        ]
        series = Series(self.found.maps[chosen], titles, self.notes[chosen])
        names = [f"image {number}" for number in range(first, first + len(titles))]
        groups = [Scaled(UNITS[self.method], [series])]
        return Picture(attributions(self.pixels[chosen], groups, names)[0])

    def __len__(self) -> int:
        """Number of images."""
        return len(self.maps)

    def _repr_png_(self) -> bytes:
        return self.figure().png

    def __repr__(self) -> str:
        at = f" at {self.layer}" if self.layer else ""
        return f"Explanation({plural(len(self), 'map', 'maps')} by {self.method}{at})"


def explained(
    classifier: Classifier,
    images: Any,
    method: str | None,
    layer: str | None,
    target: str | int | None,
) -> Explanation:
    """Explain images; the arguments are those of :meth:`cifar_lab.Run.explain`."""
    pixels = classifier.pixels(images)
    found = classifier.maps(pixels, method, layer, target)
    largest = np.abs(found.maps).max(axis=(1, 2), keepdims=True)
    scaled = found.maps / np.where(largest > 0, largest, 1)
    return Explanation(
        maps=scaled.astype(np.float32),
        labels=tuple(classifier.usage.class_names[number] for number in found.classes),
        method=found.method,
        layer=found.layer,
        notes=found.notes,
        pixels=pixels,
        found=found,
    )
