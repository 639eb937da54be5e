"""What one network answers to all visitors of the app, one question after the other."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import Ranked, most_probable, softmax
from cifar_lab.deploy.classifier import Classifier, Maps
from cifar_lab.deploy.contents import Contents
from cifar_lab.deploy.description import Shown
from cifar_lab.explain.layers import choose_layers
from cifar_lab.refusal import Refusal

#: Most classes that are listed.
MOST_CLASSES = 10


@dataclass(frozen=True)
class Look:
    """How a map is shown.

    Attributes:
        layer: that it is of.
        target: number of the class that it explains; None for the predicted one.
        opacity: of its colours, 0 to 1.
        signed: whether evidence against the class is shown as well.
    """

    layer: str
    target: int | None
    opacity: float
    signed: bool


class Explained(NamedTuple):
    """Where the network looks in an image.

    Attributes:
        map_: float32 ``(h, w)``, signed.
        method: one of ``explain.attribution.METHODS``.
        layer: that it is of.
        target: class whose logit it explains.
        note: why it says nothing; empty if it does.
    """

    map_: NDArray[np.float32]
    method: str
    layer: str
    target: int
    note: str


class Answer(NamedTuple):
    """What the network makes of an image.

    Attributes:
        ranked: all classes, the most probable first.
        far: whether the image is unlike those in training, as a hint; None if that is unknown.
        explained: where it looks, if that was asked for.
    """

    ranked: list[Ranked]
    far: bool | None
    explained: Explained | None


class Mistake(NamedTuple):
    """A misclassified image.

    Attributes:
        shown: which one.
        pixels: uint8 ``(height, width, 3)``.
        probability: of the predicted class.
        explained: where the network looks, if that was asked for.
    """

    shown: Shown
    pixels: NDArray[np.uint8]
    probability: float
    explained: Explained | None


class Answers:
    """Answers questions with one network, whose state changes while it computes.

    Args:
        classifier: the network.
        contents: what is known about it.
    """

    def __init__(self, classifier: Classifier, contents: Contents) -> None:
        self._classifier = classifier
        self._turn = threading.Lock()
        self._mistakes: dict[str | None, list[Mistake]] = {}
        self.contents = contents
        usage, described = classifier.usage, contents.description
        usual = choose_layers(classifier.model, usage.image_size, usage.layer)
        self.usage = usage
        #: Layers that can be explained, shallow to deep, and the one to begin with.
        self.layers = tuple(dict.fromkeys([*described.layers, *usual]))
        self.usual_layer = usual[0] if usual else None

    def answer(self, pixels: NDArray[np.uint8], look: Look | None) -> Answer:
        """Classify an image, and explain it if asked to.

        Args:
            pixels: uint8 ``(height, width, 3)``, of the network's size.
            look: what to explain; None for nothing.

        Raises:
            Refusal: the layer or the class does not exist.
        """
        images = np.array(pixels[None])  # torch wants its own, as decoded ones are read-only
        with self._turn:
            logits = self._classifier.logits(images)
            far = self._classifier.far(logits)
            explained = look and self._explained(images, look.layer, look.target)
        names = self.usage.class_names
        return Answer(
            most_probable(logits, names, len(names))[0],
            None if far is None else bool(far[0]),
            explained[0] if explained else None,
        )

    def mistakes(self, count: int, layer: str | None) -> list[Mistake]:
        """Return misclassified images, the most confident first.

        Args:
            count: at most how many.
            layer: whose maps of the predicted classes to add; None for no maps.
        """
        with self._turn:
            if layer not in self._mistakes:  # the same for everybody: computed once
                if layer is not None and layer not in self.layers:
                    raise Refusal(f"There is no layer {layer}; choose one of the list.")
                self._mistakes[layer] = self._read_mistakes(layer)
            return self._mistakes[layer][:count]

    def _read_mistakes(self, layer: str | None) -> list[Mistake]:
        shown = self.contents.description.misclassified
        if not shown:
            return []
        pixels = np.stack([self.contents.pixels(each) for each in shown])
        probabilities = softmax(self._classifier.logits(pixels)).max(axis=1)
        maps = self._explained(pixels, layer, None) if layer is not None else [None] * len(shown)
        return [
            Mistake(*each) for each in zip(shown, pixels, probabilities.tolist(), maps, strict=True)
        ]

    def _explained(
        self, pixels: NDArray[np.uint8], layer: str, target: int | None
    ) -> list[Explained]:
        found: Maps = self._classifier.maps(pixels, None, layer, target)
        return [
            Explained(map_, found.method, found.layer, int(number), note)
            for map_, number, note in zip(found.maps, found.classes, found.notes, strict=True)
        ]
