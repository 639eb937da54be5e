"""Augmentation policies: which operations, how many, how strong.

Ranges are torchvision's (``RandAugment``, ``TrivialAugmentWide``), which has them from the papers'
code and lets enhancements go both ways from no change at all.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import albumentations as A
from annotated_types import Ge, Le

from cifar_lab.bounds import PositiveInt
from cifar_lab.data.operations import Fill, Operation

#: The strongest of the levels 0, 1, … that every range is divided into.
STRONGEST = 30
Level = Annotated[int, Ge(0), Le(STRONGEST)]


class Strengths(NamedTuple):
    """What an operation's levels mean, in its own unit; ``signed``: in either direction."""

    weakest: float
    strongest: float
    signed: bool

    def at(self, level: int) -> float:
        """The strength of a level, evenly spaced from the weakest to the strongest."""
        return self.weakest + (self.strongest - self.weakest) * level / STRONGEST


_NONE = Strengths(0, 0, signed=False)
#: Of RandAugment, which has them from AutoAugment: its translations are 150 of 331 pixels.
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
#: Of TrivialAugment's wide space: its translations are 32 pixels, all of CIFAR's.
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
    """Operations one after the other, each at one strength (https://arxiv.org/abs/1909.13719).

    Args:
        num_ops: operations an image; the same may come again.
        magnitude: level of them all, 0 to 30; the direction is drawn.
        fill: grey levels of pixels from outside the image.
    """
    operations = [
        Operation(name, (strengths.at(magnitude),), strengths.signed, fill, p=1.0)
        for name, strengths in RANDAUGMENT.items()
    ]
    # SomeOf would put what it drew back into the order of the list.
    return A.RandomOrder(operations, n=num_ops, replace=True, p=1.0)


def trivial_augment(fill: Fill) -> A.OneOf:
    """One operation at a level drawn from 0 to 30 (https://arxiv.org/abs/2103.10158).

    Args:
        fill: grey levels of pixels from outside the image.
    """
    levels = range(STRONGEST + 1)
    operations = [
        Operation(name, [strengths.at(level) for level in levels], strengths.signed, fill, p=1.0)
        for name, strengths in TRIVIAL.items()
    ]
    return A.OneOf(operations, p=1.0)
