"""Balanced sampling: every class is shown equally often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def balanced(
    rows: NDArray[np.int64], labels: NDArray[np.int64], stream: np.random.Generator
) -> NDArray[np.int64]:
    """Draw as many rows as there are, with replacement, equally many of every class.

    Args:
        rows: int64 ``(n,)``, the rows to draw from.
        labels: int64, the classes of all images, chosen or not.
        stream: decides the draws.

    Returns:
        int64 ``(n,)``, in random order. If the classes do not divide ``n``, some classes, which are
        drawn too, have one row more than the others.
    """
    classes = np.unique(labels[rows])
    quotas = np.full(len(classes), len(rows) // len(classes))
    quotas[stream.permutation(len(classes))[: len(rows) % len(classes)]] += 1
    drawn = [
        stream.choice(rows[labels[rows] == label], quota)
        for label, quota in zip(classes, quotas, strict=True)
    ]
    return stream.permutation(np.concatenate(drawn))
