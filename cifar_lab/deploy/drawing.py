"""A picture of where the network looks, for each answer: the image beside its map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import softmax
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.overlay import overlay, shown
from cifar_lab.deploy.png import png
from cifar_lab.deploy.predicting import Answers

#: Side of image and map in pixels, and the gap between them.
SIDE, GAP = 256, 8
#: Share of the map's colour over the grey image.
OPACITY = 0.6
#: What a name of a file may not hold, and most bytes of each of its parts.
UNUSUAL, LONGEST = re.compile(r"[^\w.-]+"), 60


class Drawing:
    """Draws the maps of any number of batches, all with the same method.

    Args:
        classifier: a trained network.
        method: from :data:`cifar_lab.explain.attribution.METHODS`; None for the faithful one of the
            first batch.
        layer: None for the usual one.
        target: name or number of a class; None for each image's predicted class.

    Raises:
        Refusal: with all that is unknown or does not suit the network.
    """

    def __init__(
        self,
        classifier: Classifier,
        method: str | None,
        layer: str | None,
        target: str | int | None,
    ) -> None:
        self._classifier, self._method = classifier, method
        self._layer, self._target, self._drawn = layer, target, 0
        height, width = classifier.usage.image_size
        classifier.maps(np.zeros((1, height, width, 3), np.uint8), method, layer, target)

    def draw(self, answers: Answers) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the content of a PNG file for each image of a batch."""
        found = self._classifier.maps(answers.pixels, self._method, self._layer, self._target)
        self._method = found.method
        names = self._classifier.usage.class_names
        shares = softmax(answers.logits)
        for row, (image, label) in enumerate(zip(answers.names, found.classes, strict=True)):
            self._drawn += 1
            said = f"{names[label]}-{100 * shares[row, label]:.1f}"
            name = f"{self._drawn:05}-{_plain(PurePath(image).stem)}-{_plain(said)}.png"
            map_ = np.zeros_like(found.maps[row]) if found.notes[row] else found.maps[row]
            yield name, png(_side_by_side(answers.pixels[row], map_), effort=1)


def _plain(text: str) -> str:
    return UNUSUAL.sub("_", text).encode()[:LONGEST].decode(errors="ignore")


def _side_by_side(pixels: NDArray[np.uint8], map_: NDArray[np.float32]) -> NDArray[np.uint8]:
    gap = np.full((SIDE, GAP, 3), 255, np.uint8)
    return np.hstack([shown(pixels, SIDE), gap, overlay(pixels, map_, OPACITY, True, SIDE)])
