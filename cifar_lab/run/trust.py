"""trust.json: how far a run's maps can be trusted, by ``explain RUN --trust``."""

from __future__ import annotations

from dataclasses import dataclass

from cifar_lab.run.files import Measured


@dataclass(frozen=True)
class OrderScore:
    """How an order of cells fares: mean probabilities over images, with standard errors.

    Attributes:
        order: the method whose maps gave it, or the name of one that knows nothing of the model.
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
    """What was measured of one method at one layer.

    Attributes:
        method: of attribution.
        layer: name of the module.
        images: fixed test images that it was measured over.
        orders: the method's own first.
        randomised: rank correlation of its maps with those of random weights.
    """

    method: str
    layer: str
    images: int
    orders: tuple[OrderScore, ...]
    randomised: Measured
