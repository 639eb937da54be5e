"""What a network may say of itself.

Plain attributes, each of them optional, so that networks of other libraries and of a user's own
need no base class. Ours name their layers; :func:`cifar_lab.models.families.declare` writes all
three on those of libraries. A network may also have :meth:`ComputedFromImages.initialise`, and its
constructor may take ``image_size``, height and width in pixels, which :mod:`cifar_lab.assembly`
then supplies beside ``num_classes``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

#: Where the output of a layer has its height and width: ``(batch, channels, h, w)``,
#: ``(batch, h, w, channels)`` or ``(batch, prefix + h * w, channels)``.
MapLayout = Literal["channels_first", "channels_last", "tokens"]


@runtime_checkable
class Explainable(Protocol):
    """Names its layers worth explaining."""

    @property
    def explainable_layers(self) -> tuple[str, ...]:
        """Names of its modules, shallow to deep, each of which puts out a map."""


@runtime_checkable
class LaidOut(Protocol):
    """Says how its layers put out their maps."""

    @property
    def map_layout(self) -> MapLayout:
        """The same for all of ``explainable_layers``."""


@runtime_checkable
class Prefixed(Protocol):
    """Says how many tokens are none of the grid's."""

    @property
    def prefix_tokens(self) -> int:
        """Class, distillation and register tokens before those of the grid."""


@runtime_checkable
class ComputedFromImages(Protocol):
    """Computes weights from training images before it learns."""

    def initialise(self, images: Tensor) -> None:
        """Is shown some thousand images, float32 ``(n, 3, height, width)``, normalised."""


@dataclass(frozen=True)
class Declared:
    """What a network says of its maps; the defaults stand for what it leaves out.

    Attributes:
        explainable_layers: as in :class:`Explainable`.
        map_layout: as in :class:`LaidOut`.
        prefix_tokens: as in :class:`Prefixed`.
    """

    explainable_layers: tuple[str, ...] = ()
    map_layout: MapLayout = "channels_first"
    prefix_tokens: int = 0


def declared_by(network: nn.Module) -> Declared:
    """What a network says of its maps."""
    said = Declared()
    if isinstance(network, Explainable):
        said = replace(said, explainable_layers=network.explainable_layers)
    if isinstance(network, LaidOut):
        said = replace(said, map_layout=network.map_layout)
    if isinstance(network, Prefixed):
        said = replace(said, prefix_tokens=network.prefix_tokens)
    return said
