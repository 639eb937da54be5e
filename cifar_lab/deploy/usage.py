"""How a trained network is used: what it is given, and how its logits are computed and read."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.bounds import NonNegativeInt, PositiveInt
from cifar_lab.precision import Precision

#: Share of the validation images whose energy lies below the limit.
TYPICAL_SHARE = 0.99


@dataclass(frozen=True)
class Usage:
    """How a trained network is used.

    Attributes:
        class_names: in the order of the logits.
        image_size: height and width in pixels, to which images are resized.
        mean: of each channel, of pixels / 255, with which images are normalised.
        std: standard deviation, likewise.
        precision: in which the network was evaluated.
        flips: whether the logits of image and mirror image are averaged.
        channels_last: memory format in which the network was evaluated.
        batch_size: images in a batch when the network was evaluated.
        threads: of a CPU, likewise: another number may change the last bits of logits.
        layer: whose maps are shown first; None for one of the network's choice.
        energy_limit: 99th percentile of the energies of the validation images, see
            :func:`cifar_lab.analysis.predictions.energies`; None without validation images.
        energy_images: number of these images.
    """

    class_names: tuple[str, ...]
    image_size: tuple[PositiveInt, PositiveInt]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    precision: Precision
    flips: bool
    channels_last: bool
    batch_size: PositiveInt
    threads: PositiveInt
    layer: str | None
    energy_limit: float | None
    energy_images: NonNegativeInt
