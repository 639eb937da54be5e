"""Suites of test images beside a data set's own, by which robustness is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Condition:
    """Images of one kind, such as a corruption at one severity.

    Attributes:
        name: of the corruption or the test set.
        severity: 1 to 5; None if it has none.
        averaged: whether it counts in the suite's mean.
        images: makes or reads them, uint8 ``(n, height, width, 3)``.
        labels: int64 ``(n,)``, indices into the run's class names.
    """

    name: str
    severity: int | None
    averaged: bool
    images: Callable[[], NDArray[np.uint8]]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Suite:
    """Conditions under one name.

    Attributes:
        name: such as ``CIFAR-10-C``.
        version: of the definition, if the lab makes the images; None for files.
        seed: of the random streams, likewise.
        files: SHA-256 of each file that was read, by name; empty if the lab makes the images.
        conditions: in the order in which they are shown.
    """

    name: str
    version: int | None
    seed: int | None
    files: Mapping[str, str]
    conditions: tuple[Condition, ...]
