"""What a network may declare about itself.

Declarations are plain, optional attributes, so that networks from other libraries and users' own
networks need no base class. The project's networks name their layers;
:func:`cifar_lab.models.families.declare` sets all three attributes on library models. A network may
also have :meth:`ComputedFromImages.initialise`, and its constructor may take ``image_size`` (height
and width in pixels), which :mod:`cifar_lab.assembly` then supplies along with ``num_classes``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

#: Layout of a layer's output: ``(batch, channels, h, w)``,
#: ``(batch, h, w, channels)`` or ``(batch, prefix + h * w, channels)``.
MapLayout = Literal["channels_first", "channels_last", "tokens"]


@runtime_checkable
class Explainable(Protocol):
    """Names its layers worth explaining."""

    @property
    def explainable_layers(self) -> tuple[str, ...]:
        """Names of modules that output a feature map, shallow to deep."""


@runtime_checkable
class LaidOut(Protocol):
    """Declares the layout of its feature maps."""

    @property
    def map_layout(self) -> MapLayout:
        """The layout, the same for all of ``explainable_layers``."""


@runtime_checkable
class Prefixed(Protocol):
    """Declares how many tokens precede those of the grid."""

    @property
    def prefix_tokens(self) -> int:
        """Number of class, distillation and register tokens before those of the grid."""


@runtime_checkable
class ComputedFromImages(Protocol):
    """Computes weights from training images before training starts."""

    def initialise(self, images: Tensor) -> None:
        """Compute weights from a few thousand normalised images, float32 ``(n, 3, h, w)``."""


@dataclass(frozen=True)
class Declared:
    """What a network declares about its feature maps, with defaults for what it leaves out.

    Attributes:
        explainable_layers: as in :class:`Explainable`.
        map_layout: as in :class:`LaidOut`.
        prefix_tokens: as in :class:`Prefixed`.
    """

    explainable_layers: tuple[str, ...] = ()
    map_layout: MapLayout = "channels_first"
    prefix_tokens: int = 0


def declared_by(network: nn.Module) -> Declared:
    """Collect what a network declares about its feature maps."""
    said = Declared()
    if isinstance(network, Explainable):
        said = replace(said, explainable_layers=network.explainable_layers)
    if isinstance(network, LaidOut):
        said = replace(said, map_layout=network.map_layout)
    if isinstance(network, Prefixed):
        said = replace(said, prefix_tokens=network.prefix_tokens)
    return said
