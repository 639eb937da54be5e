"""The images that a run is evaluated on, without copying any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cifar_lab.data.arrays import Dataset, ImageArrays

#: The splits that results may be of, as messages and reports name them.
SplitName = Literal["test", "validation"]


@dataclass(frozen=True)
class HeldOut:
    """A split that is not trained on.

    Attributes:
        name: ``test`` or ``validation``.
        arrays: the source's images that contain the split.
        rows: int64 ``(n,)``, its rows of ``arrays``.
    """

    name: SplitName
    arrays: ImageArrays
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> NDArray[np.int64]:
        """True classes, int64 ``(n,)``."""
        return self.arrays.labels[self.rows]

    @property
    def sample_ids(self) -> NDArray[np.str_]:
        """Permanent names, str ``(n,)``."""
        return self.arrays.sample_ids[self.rows]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the order of the labels."""
        return self.arrays.class_names

    def images(self, chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The chosen images of the split, uint8 ``(len(chosen), height, width, 3)``."""
        return np.asarray(self.arrays.images[self.rows[chosen]])


def held_out(dataset: Dataset, name: SplitName) -> HeldOut:
    """The test or the validation images of a data set."""
    if name == "test":
        return HeldOut(name, dataset.source.test, np.arange(len(dataset.source.test)))
    return HeldOut(name, dataset.source.train, dataset.val_indices)
