"""Whether a map is strong enough, against what it explains, to be shown in colour."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Share of what it explains to which a map's absolute values must sum; below it, colours would
#: show rounding errors and cancelled gradients as if they were evidence.
NEGLIGIBLE = 0.05
#: What a map is measured against.
LOGIT, HIRESCAM = "|logit − bias|", "HiResCAM's"


class Strength(NamedTuple):
    """Sum of a map's absolute values, as a share of what it is measured against.

    Attributes:
        share: NaN if the map is not finite.
        of: ``LOGIT``, or ``HIRESCAM`` for GradCAM.
        method: whose sum it is, if not the map's own; else empty.
    """

    share: float
    of: str
    method: str = ""

    @property
    def negligible(self) -> bool:
        """Whether the map is to have no colours."""
        return not self.share >= NEGLIGIBLE

    @property
    def note(self) -> str:
        """Why the map has no colours, in words; empty if it has."""
        if not self.negligible:
            return ""
        if np.isnan(self.share):
            return "no colour: the map is not finite"
        share = f"{100 * self.share:.1f} %" if self.share >= 0.001 else "less than 0.1 %"
        return f"no colour: {self.method or 'the map'} sums to {share} of {self.of}"


def strengths(
    maps: NDArray[np.float32],
    explained: NDArray[np.float32],
    hirescam: NDArray[np.float32] | None = None,
) -> list[Strength]:
    """Measure maps against the logits they explain or, for GradCAM, against HiResCAM.

    GradCAM need not sum to its logit, but HiResCAM shows how much the layer contributes. Where
    HiResCAM itself is negligible, so is GradCAM.

    Args:
        maps: float32 ``(n, h, w)``, signed.
        explained: float32 ``(n,)``, logits, or differences of logits, without the head's biases.
        hirescam: HiResCAM's maps of the same values at the same layer, if ``maps`` are GradCAM's.
    """
    if hirescam is None:
        return [Strength(s, LOGIT) for s in _shares(_sums(maps), np.abs(explained))]
    exact = [found._replace(method="HiResCAM") for found in strengths(hirescam, explained)]
    own = [Strength(s, HIRESCAM) for s in _shares(_sums(maps), _sums(hirescam))]
    return [
        of_exact if of_exact.negligible else found
        for of_exact, found in zip(exact, own, strict=True)
    ]


def _sums(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.abs(maps.astype(np.float64)).sum(axis=(1, 2))


def _shares(sums: NDArray[np.float64], references: NDArray[np.floating]) -> list[float]:
    """Sum / reference; any positive sum is infinitely more than nothing, and 0 is 0 of nothing."""
    return [
        float(s / r) if r != 0 else (np.inf if s > 0 else float(s))
        for s, r in zip(sums, references, strict=True)
    ]
