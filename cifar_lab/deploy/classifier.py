"""Images that somebody hands over: what a trained network makes of them, and where it looks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.predictions import energies, predicted_classes
from cifar_lab.data.given import pixels_of
from cifar_lab.data.normalise import Normalise
from cifar_lab.deploy.usage import Usage
from cifar_lab.explain.attribution import METHODS, WITHOUT_LAYER, attribute
from cifar_lab.explain.cams import agreement, class_activation_maps, leading
from cifar_lab.explain.layers import choose_layers, unfit_layers
from cifar_lab.explain.maps import left_as_it_was
from cifar_lab.explain.strength import strengths
from cifar_lab.explain.targets import Targets, class_biases, predict
from cifar_lab.precision import autocast, dtype_of
from cifar_lab.refusal import Refusal, did_you_mean
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
class Classifier:
    """A trained network, ready for images.

    Its methods change the network's state while they run: threads take turns.

    Attributes:
        model: in eval mode, with weights in float32.
        usage: how its logits are computed.
    """

    model: nn.Module
    usage: Usage

    def pixels(self, images: Any) -> NDArray[np.uint8]:
        """Convert images to uint8 ``(n, height, width, 3)`` of the network's size."""
        return pixels_of(images, self.usage.image_size)

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute logits as the network was evaluated: float32 ``(n, classes)``.

        They equal those of the evaluation bit for bit if device, threads and batches are the same.

        Args:
            pixels: uint8 ``(n, height, width, 3)``, of the network's size.
        """
        normalise = self._normalise(dtype_of(self.usage.precision), self.usage.channels_last)
        batches = torch.from_numpy(pixels).split(self.usage.batch_size)
        with left_as_it_was(self.model), torch.no_grad():
            found = [self._evaluated(normalise(batch)) for batch in batches]
        return torch.cat(found).cpu().numpy()

    def far(self, logits: NDArray[np.float32]) -> NDArray[np.bool_] | None:
        """Whether each image is far from those in training, as a hint: bool ``(n,)``.

        Far is an energy above that of 99 % of the validation images (Liu et al. 2020, Energy-based
        Out-of-distribution Detection). None if there were no validation images.
        """
        limit = self.usage.energy_limit
        return None if limit is None else energies(logits) > limit

    def _evaluated(self, images: Tensor) -> Tensor:
        with autocast(self.usage.precision, images.device):
            logits = self.model(images).float()
            if not self.usage.flips:
                return logits
            return (logits + self.model(images.flip(3)).float()) / 2

    def maps(
        self,
        pixels: NDArray[np.uint8],
        method: str | None,
        layer: str | None,
        target: str | int | None,
    ) -> Maps:
        """Explain a logit of each image.

        Args:
            pixels: uint8 ``(n, height, width, 3)``, of the network's size.
            method: from ``METHODS``; None for GradCAM or, where it is unfaithful, HiResCAM.
            layer: None for the usual one.
            target: name or number of a class; None for each image's predicted class.

        Raises:
            Refusal: with all that is unknown or does not suit the network.
        """
        problems: list[str] = []
        with _collecting(problems):
            chosen = self._layer(method, layer)
        with _collecting(problems):
            classes = self._classes(pixels, method, target)
        if problems:
            raise Refusal(problems)
        normalise = self._normalise(torch.float32, channels_last=False)
        images = normalise(torch.from_numpy(pixels))
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
        names, problems = self.usage.class_names, []
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
        size = self.usage.image_size
        if layer is not None:
            unfit = unfit_layers(self.model, size, [layer])
            if unfit:
                raise Refusal([f"layer={each.layer}: {each.reason}" for each in unfit])
            return layer
        found = choose_layers(self.model, size, self.usage.layer)
        if not found:
            raise Refusal(
                f"no layer of {type(self.model).__name__} gives a map; use method="
                f"{' or '.join(WITHOUT_LAYER)}, or name a layer"
            )
        return found[0]

    def _normalise(self, dtype: torch.dtype, channels_last: bool) -> Normalise:
        mean, std = (np.asarray(each) for each in (self.usage.mean, self.usage.std))
        device = next(self.model.parameters()).device
        return Normalise(mean, std, device, channels_last, dtype)


@contextlib.contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    """Add what is refused inside to a list, so that all of it can be told at once."""
    try:
        yield
    except Refusal as refusal:
        problems += refusal.problems
