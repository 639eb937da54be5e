"""Augmentation policies: which operations, how many and how strong.

Ranges are torchvision's (``RandAugment``, ``TrivialAugmentWide``), which follow the papers' code
and apply enhancements in both directions, starting from no change.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import albumentations as A
from annotated_types import Ge, Le

from cifar_lab.bounds import PositiveInt
from cifar_lab.data.operations import Fill, Operation

#: The highest of the levels 0, 1, … that every range is divided into.
STRONGEST = 30
Level = Annotated[int, Ge(0), Le(STRONGEST)]


class Strengths(NamedTuple):
    """The range of an operation's levels in its own unit; ``signed`` allows both directions."""

    weakest: float
    strongest: float
    signed: bool

    def at(self, level: int) -> float:
        """The strength at a level; levels are evenly spaced from weakest to strongest."""
        return self.weakest + (self.strongest - self.weakest) * level / STRONGEST


_NONE = Strengths(0, 0, signed=False)
#: RandAugment's ranges, taken from AutoAugment, which translates by up to 150 of 331 pixels.
RANDAUGMENT = {
    "identity": _NONE,
    "shear_x": Strengths(0, 0.3, signed=True),
    "shear_y": Strengths(0, 0.3, signed=True),
    "translate_x": Strengths(0, 150 / 331, signed=True),
    "translate_y": Strengths(0, 150 / 331, signed=True),
    "rotate": Strengths(0, 30, signed=True),
    "brightness": Strengths(0, 0.9, signed=True),
    "color": Strengths(0, 0.9, signed=True),
    "contrast": Strengths(0, 0.9, signed=True),
    "sharpness": Strengths(0, 0.9, signed=True),
    "posterize": Strengths(0, 4, signed=False),
    "solarize": Strengths(255, 0, signed=False),
    "autocontrast": _NONE,
    "equalize": _NONE,
}
#: TrivialAugment's wide ranges: translations by up to 32 pixels, the whole of a CIFAR image.
TRIVIAL = RANDAUGMENT | {
    "shear_x": Strengths(0, 0.99, signed=True),
    "shear_y": Strengths(0, 0.99, signed=True),
    "translate_x": Strengths(0, 1, signed=True),
    "translate_y": Strengths(0, 1, signed=True),
    "rotate": Strengths(0, 135, signed=True),
    "brightness": Strengths(0, 0.99, signed=True),
    "color": Strengths(0, 0.99, signed=True),
    "contrast": Strengths(0, 0.99, signed=True),
    "sharpness": Strengths(0, 0.99, signed=True),
    "posterize": Strengths(0, 6, signed=False),
}


def rand_augment(num_ops: PositiveInt, magnitude: Level, fill: Fill) -> A.RandomOrder:
    """Apply several operations in sequence at a fixed strength (https://arxiv.org/abs/1909.13719).

    Args:
        num_ops: operations per image, drawn with replacement.
        magnitude: level of all operations, 0 to 30; the direction is drawn.
        fill: grey levels of pixels from outside the image.
    """
    operations = [
        Operation(name, (strengths.at(magnitude),), strengths.signed, fill, p=1.0)
        for name, strengths in RANDAUGMENT.items()
    ]
    # SomeOf would apply the drawn operations in the order of the list.
    return A.RandomOrder(operations, n=num_ops, replace=True, p=1.0)


def trivial_augment(fill: Fill) -> A.OneOf:
    """Apply one operation at a level drawn from 0 to 30 (https://arxiv.org/abs/2103.10158).

    Args:
        fill: grey levels of pixels from outside the image.
    """
    levels = range(STRONGEST + 1)
    operations = [
        Operation(name, [strengths.at(level) for level in levels], strengths.signed, fill, p=1.0)
        for name, strengths in TRIVIAL.items()
    ]
    return A.OneOf(operations, p=1.0)
