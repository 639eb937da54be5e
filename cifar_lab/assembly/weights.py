"""Fits weights from elsewhere to a network, and loads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Size, Tensor, nn

from cifar_lab.refusal import Refusal
from cifar_lab.run.origin import StartingWeights
from cifar_lab.run.weights import KEY, Weights

#: How many names a line lists.
LISTED = 6


@dataclass(frozen=True)
class Fitted:
    """Which tensors of a network are loaded.

    Attributes:
        weights: where from.
        loaded: names of tensors that are.
        new: names that keep their initial values.
        unused: names that the network does not have.
        classes: numbers of classes before and now; None if they are equal.
    """

    weights: Weights
    loaded: tuple[str, ...]
    new: tuple[str, ...]
    unused: tuple[str, ...]
    classes: tuple[int, int] | None

    @property
    def described(self) -> str:
        """The counts and the names of the rest, as a phrase."""
        total = len(self.loaded) + len(self.new)
        parts = [f"{len(self.loaded)} of {total} tensors from {self.weights.path}"]
        if self.new:
            head = self.classes
            why = "" if head is None else f" ({head[0]} → {head[1]} classes)"
            parts.append(f"new: {_listed(self.new)}{why}")
        if self.unused:
            parts.append(f"unused: {_listed(self.unused)}")
        return "; ".join(parts)

    @property
    def recorded(self) -> StartingWeights:
        """What the run's provenance keeps."""
        origin = self.weights
        return StartingWeights(origin.path, origin.sha256, origin.run, self.new, self.unused)

    def load(self, model: nn.Module) -> None:
        """Copy the tensors into the network; its other tensors stay as they are."""
        model.load_state_dict({k: self.weights.tensors[k] for k in self.loaded}, strict=False)


def fitted(model: nn.Module, weights: Weights, classes: int) -> Fitted:
    """Decide which tensors fit the network, by name and shape.

    The last layer whose leading dimension is the number of classes is new if the weights were
    trained with a different number.

    Args:
        model: with its initial weights, of which nothing is changed.
        weights: to load.
        classes: number of classes of the network.

    Raises:
        Refusal: other shapes differ, or nothing fits.
    """
    ours, theirs = model.state_dict(), weights.tensors
    common = [name for name in ours if name in theirs]
    if not common:
        raise Refusal(
            f"{KEY}={weights.path}: no tensor has a name of {type(model).__name__}'s; it has "
            f"{_listed(list(theirs))}, but the model {_listed(list(ours))}"
        )
    other = [name for name in common if ours[name].shape != theirs[name].shape]
    head = [name for name in head_of(model, classes) if _is_resized(ours, theirs, name)]
    wrong = [name for name in other if name not in head]
    if wrong:
        raise Refusal(
            f"{KEY}={weights.path}: {len(wrong)} of {len(ours)} tensors have a different shape: "
            f"{_shapes(wrong, ours, theirs)}; use the configuration of the model that they were "
            "trained with"
        )
    loaded = tuple(name for name in common if name not in head)
    if not loaded:
        raise Refusal(f"{KEY}={weights.path}: only the last layer has its names, so nothing fits")
    return Fitted(
        weights,
        loaded,
        tuple(name for name in ours if name not in loaded),
        tuple(name for name in theirs if name not in ours),
        (theirs[head[0]].shape[0], classes) if head else None,
    )


def head_of(model: nn.Module, classes: int) -> list[str]:
    """Return the names of the last layer's tensors whose leading dimension is ``classes``."""
    found: list[str] = []
    for name, module in model.named_modules():
        own = dict(module.named_parameters(name, recurse=False))
        if own and all(p.ndim > 0 and p.shape[0] == classes for p in own.values()):
            found = list(own)
    return found


def _is_resized(ours: dict[str, Tensor], theirs: dict[str, Tensor], name: str) -> bool:
    """Whether a tensor differs in its leading dimension alone."""
    if name not in theirs:
        return False
    here, there = ours[name].shape, theirs[name].shape
    return len(here) == len(there) and here[0] != there[0] and here[1:] == there[1:]


def _shapes(names: Sequence[str], ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> str:
    listed = [
        f"{name} is {_shape(theirs[name].shape)} there and {_shape(ours[name].shape)} here"
        for name in names[:LISTED]
    ]
    return ", ".join(listed) + _more(names)


def _shape(shape: Size) -> str:
    return "×".join(map(str, shape)) or "a number"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + _more(names)


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
