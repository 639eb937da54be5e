"""Maps aggregated over many images, because ten examples prove nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_maps(
    maps: NDArray[np.float32], groups: NDArray[np.int64], number: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The mean map of each group.

    Args:
        maps: float32 ``(n, h, w)``, signed.
        groups: int64 ``(n,)``, in ``0 … number - 1``; other values belong to no group.
        number: number of groups.

    Returns:
        float32 ``(number, h, w)``, zero for an empty group; int64 ``(number,)``, the group sizes.
    """
    counts = np.asarray([(groups == group).sum() for group in range(number)], dtype=np.int64)
    means = np.zeros((number, *maps.shape[1:]), dtype=np.float32)
    for group in np.flatnonzero(counts):
        means[group] = maps[groups == group].mean(axis=0)
    return means, counts


def concentration(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """The smallest share of a map's cells that holds half of the positive attribution.

    Args:
        maps: float32 ``(n, h, w)``, signed.

    Returns:
        float64 ``(n,)``: from 1 / cells (all in one cell) to 0.5 (evenly spread); NaN for a map
        without positive cells.
    """
    positive = np.clip(maps.reshape(len(maps), -1), 0, None).astype(np.float64)
    gathered = np.cumsum(-np.sort(-positive, axis=1), axis=1)
    total = gathered[:, -1:]
    # The smallest number of cells that reaches half; rounding of the sums must not add one more.
    needed = (gathered < total * 0.5 * (1 - 1e-9)).sum(axis=1) + 1
    shares = needed / positive.shape[1]
    return np.where(total[:, 0] > 0, shares, np.nan)
