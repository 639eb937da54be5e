"""trust.json: how far a run's maps can be trusted, by ``explain RUN --trust``."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.data.held_out import SplitName
from cifar_lab.run.files import Measured


@dataclass(frozen=True)
class OrderScore:
    """Scores of an order of cells: mean probabilities over images, with standard errors.

    Attributes:
        order: the method whose maps define it, or the name of a model-independent order.
        deletion: while cells are covered; low is good.
        insertion: while they are uncovered; high is good.
        deletion_error: standard error.
        insertion_error: standard error.
    """

    order: str
    deletion: Measured
    insertion: Measured
    deletion_error: Measured
    insertion_error: Measured


@dataclass(frozen=True)
class Trust:
    """Measurements of one method at one layer.

    Attributes:
        method: attribution method.
        layer: name of the module.
        split: of which split the images are.
        images: number of images, a fixed sample.
        orders: that of the method is the first.
        randomised: rank correlation of its maps with those of randomised weights.
    """

    method: str
    layer: str
    split: SplitName
    images: int
    orders: tuple[OrderScore, ...]
    randomised: Measured
