"""An order of the classes in which those that are confused stand beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform


def by_similarity(matrix: NDArray[np.int64]) -> list[int]:
    """Classes in the order of the leaves of a hierarchical clustering of their confusions.

    Two classes are the nearer, the larger the share of their images that is taken for the other
    (average linkage, leaves ordered optimally; Bar-Joseph et al., 2001,
    https://doi.org/10.1093/bioinformatics/17.suppl_1.S22).

    Args:
        matrix: counts by true class (row) and predicted class (column), ``(classes, classes)``.
    """
    if len(matrix) < 3:
        return list(range(len(matrix)))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    distances = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]
