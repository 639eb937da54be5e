"""Images that somebody hands over: what a run's network makes of them, and where it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.predictions import predicted_classes
from cifar_lab.data.given import pixels_of
from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.attribution import METHODS, WITHOUT_LAYER, attribute
from cifar_lab.explain.cams import agreement, class_activation_maps, leading
from cifar_lab.explain.layers import choose_layers, unfit_layers
from cifar_lab.explain.strength import strengths
from cifar_lab.explain.targets import Targets, class_biases, predict
from cifar_lab.own_code import OwnCode
from cifar_lab.recipe.open import network
from cifar_lab.refusal import Refusal, did_you_mean
from cifar_lab.run.data import Data
from cifar_lab.run.record import Run
from cifar_lab.wording import shortened

#: Methods that show what a layer finds where, of which the faithful one is the default.
CAMS = ("gradcam", "hirescam")


class Maps(NamedTuple):
    """Where a network looks.

    Attributes:
        maps: float32 ``(n, h, w)``, signed, in the unit of the method.
        method: one of ``METHODS``.
        layer: that they are of; empty for methods without one.
        classes: int64 ``(n,)``, whose logits they explain.
        values: float32 ``(n,)``, these logits.
        notes: why a map says nothing; empty for those that do.
    """

    maps: NDArray[np.float32]
    method: str
    layer: str
    classes: NDArray[np.int64]
    values: NDArray[np.float32]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """A run's network, ready for images.

    Attributes:
        model: in eval mode and float32.
        data: of the run: classes, size, mean and deviation.
        flips: whether the logits of image and mirror image are averaged.
        layer: whose maps the run's report shows; None for one of the network's choice.
    """

    model: nn.Module
    data: Data
    flips: bool
    layer: str | None

    def pixels(self, images: Any) -> NDArray[np.uint8]:
        """Convert images to uint8 ``(n, height, width, 3)`` of the run's size."""
        return pixels_of(images, self.data.image_size)

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute logits in float32: ``(n, classes)``, as the run was evaluated."""
        images = self._normalised(pixels)
        logits = predict(self.model, images)
        if self.flips:
            logits = (logits + predict(self.model, images.flip(3))) / 2
        return logits.cpu().numpy()

    def maps(
        self,
        pixels: NDArray[np.uint8],
        method: str | None,
        layer: str | None,
        target: str | int | None,
    ) -> Maps:
        """Explain a logit of each image.

        Args:
            pixels: uint8 ``(n, height, width, 3)``, of the run's size.
            method: from ``METHODS``; None for GradCAM or, where it is unfaithful, HiResCAM.
            layer: None for the one that the run's report shows.
            target: name or number of a class; None for each image's predicted class.

        Raises:
            Refusal: with all that is unknown or does not suit the network.
        """
        chosen = self._layer(method, layer)
        classes = self._classes(pixels, method, target)
        images = self._normalised(pixels)
        which = torch.from_numpy(classes).to(images.device)
        targets = Targets.named("predicted", which, which)
        logits = predict(self.model, images)
        values = targets.values(logits).cpu().numpy()
        if method is not None and method not in CAMS:
            maps = attribute(self.model, method, chosen, images, targets)
            unnoted = ("",) * len(maps)
            shown = "" if method in WITHOUT_LAYER else chosen
            return Maps(maps, method, shown, classes, values, unnoted)
        both = class_activation_maps(self.model, chosen, images, targets)
        best = leading(agreement(both.gradcam, both.hirescam))[0] if method is None else method
        biases = class_biases(self.model, logits.shape[1]).to(logits.device)
        explained = targets.values(logits - biases).cpu().numpy()
        exact = both.hirescam if best == "gradcam" else None
        maps = both.gradcam if best == "gradcam" else both.hirescam
        notes = tuple(each.note for each in strengths(maps, explained, exact))
        return Maps(maps, best, chosen, classes, values, notes)

    def _classes(
        self, pixels: NDArray[np.uint8], method: str | None, target: str | int | None
    ) -> NDArray[np.int64]:
        """Return the class to explain of each image; refuse an unknown method with the target."""
        names, problems = self.data.class_names, []
        if method is not None and method not in METHODS:
            hint = did_you_mean(method, METHODS)
            problems.append(f"method={method}: must be one of {', '.join(METHODS)}{hint}")
        if target is None and not problems:
            return predicted_classes(self.logits(pixels))
        number = names.index(target) if target in names else target
        if target is not None and (
            not isinstance(number, int) or not 0 <= number < len(names) or number is True
        ):
            listed = shortened(", ".join(names), 200)
            problems.append(
                f"target={target}: there is no such class; give a number from 0 to "
                f"{len(names) - 1}, or a name: {listed}{did_you_mean(str(target), names)}"
            )
        if problems:
            raise Refusal(problems)
        return np.full(len(pixels), number, dtype=np.int64)

    def _layer(self, method: str | None, layer: str | None) -> str:
        """Return the layer to explain; empty for a method without one."""
        if method in WITHOUT_LAYER:
            return ""
        size = self.data.image_size
        if layer is not None:
            unfit = unfit_layers(self.model, size, [layer])
            if unfit:
                raise Refusal([f"layer={each.layer}: {each.reason}" for each in unfit])
            return layer
        found = choose_layers(self.model, size, self.layer)
        if not found:
            raise Refusal(
                f"no layer of {type(self.model).__name__} gives a map; use method="
                f"{' or '.join(WITHOUT_LAYER)}, or name a layer"
            )
        return found[0]

    def _normalised(self, pixels: NDArray[np.uint8]) -> Tensor:
        mean, std = (np.asarray(each) for each in (self.data.mean, self.data.std))
        device = next(self.model.parameters()).device
        normalise = Normalise(mean, std, device, channels_last=False, dtype=torch.float32)
        return normalise(torch.from_numpy(pixels))


def opened(run: Run, own: OwnCode | None = None) -> Opened:
    """Open a run's network from its folder alone.

    Raises:
        Refusal: as :func:`cifar_lab.recipe.open.network`.
    """
    model, config = network(run, "cpu", own), run.config
    layers = config["report"].get("gradcam_layer")
    first = layers[0] if isinstance(layers, list) and layers else layers
    return Opened(
        model=model,
        data=run.data,
        flips=bool(config["trainer"].get("test_time_flips")),
        layer=first or None,
    )
