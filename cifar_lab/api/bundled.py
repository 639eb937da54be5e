"""``cifar_lab.open_bundle``, and the network in a bundle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from cifar_lab.api.explanation import Explanation
    from cifar_lab.api.predicted import Predicted
    from cifar_lab.deploy.classifier import Classifier
    from cifar_lab.deploy.description import Description


def open_bundle(
    path: str | os.PathLike[str], *, trust: bool = False, device: str = "cpu"
) -> Bundle:
    """Open a folder that ``cifar-lab export`` wrote; executes nothing that is in it.

    Args:
        path: of the folder.
        trust: whether to import the Python files in it, if the network is somebody's own.
        device: to put the network on.

    Raises:
        Refusal: the folder is not a bundle, or a file is missing or not what it was.
    """
    from cifar_lab.deploy.bundle import read_bundle
    from cifar_lab.deploy.opening import open_bundle as opened

    found = read_bundle(Path(path))
    return Bundle(Path(path), found.description, opened(found, trust, device))


class Bundle:
    """An exported network.

    Args:
        path: of its folder.
        description: what is known about it: results, layers, where it is from.
        classifier: the network.
    """

    def __init__(self, path: Path, description: Description, classifier: Classifier) -> None:
        self.path = path
        self.description = description
        self._classifier = classifier

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self._classifier.usage.class_names

    @property
    def model(self) -> nn.Module:
        """The network, in eval mode and float32.

        It maps images ``(n, 3, height, width)``, normalised, to logits ``(n, classes)``.
        """
        return self._classifier.model

    def predict(self, images: Any) -> Predicted:
        """Classify images of any size, as :meth:`cifar_lab.Run.predict`.

        Raises:
            Refusal: with every image that could not be read.
        """
        from cifar_lab.api.predicted import Predicted

        logits = self._classifier.logits(self._classifier.pixels(images))
        return Predicted(logits, self.class_names)

    def explain(
        self,
        images: Any,
        method: str | None = None,
        *,
        layer: str | None = None,
        target: str | int | None = None,
    ) -> Explanation:
        """Show which parts of images support a class, as :meth:`cifar_lab.Run.explain`.

        Raises:
            Refusal: with what cannot be explained, and what is allowed.
        """
        from cifar_lab.api.explanation import explained

        return explained(self._classifier, images, method, layer, target)

    def __repr__(self) -> str:
        network = self.description.architecture.name
        return f"Bundle({self.path.as_posix()}, {network}, {len(self.class_names)} classes)"
