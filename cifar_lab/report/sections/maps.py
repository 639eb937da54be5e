"""Maps of a report as figures draw them: which have colours, and in which unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.explain.attribution import NAMES, UNITS
from cifar_lab.explain.explained import Explained
from cifar_lab.explain.strength import NEGLIGIBLE, strengths
from cifar_lab.report.blocks import Picture
from cifar_lab.report.figures.attribution import Scaled, Series
from cifar_lab.wording import several

#: Said below every figure of maps.
COLOURS = (
    "Red is evidence for, blue against. A map has no colours where its absolute values sum to less "
    f"than {100 * NEGLIGIBLE:.0f} % of |logit − bias| (for GradCAM: of what HiResCAM's sum to at "
    "the same layer)."
)


def scaled(
    found: Explained, method: str, targets: Sequence[int], titles: Sequence[Sequence[str]]
) -> Scaled:
    """Maps of the gallery's images by a method, for each target, on one scale.

    Args:
        found: the maps at one layer.
        method: ``hirescam`` or ``gradcam``.
        targets: indices into ``TARGETS``.
        titles: for each image, titles of its maps in the order of ``targets``.
    """
    series = []
    for place, target in enumerate(targets):
        maps = getattr(found, method)[:, target]
        exact = found.hirescam[:, target] if method == "gradcam" else None
        above = [_title(method, words[place]) for words in titles]
        series.append(one_series(maps, above, found.without_bias[:, target], exact))
    return Scaled(UNITS[method], series)


def one_series(
    maps: NDArray[np.float32],
    titles: Sequence[str],
    without_bias: NDArray[np.float32],
    hirescam: NDArray[np.float32] | None,
) -> Series:
    """Maps with the reason why some have no colours; arguments as of ``strengths``."""
    measured = strengths(maps, without_bias, hirescam)
    return Series(maps, titles, [found.note for found in measured])


def numbered(name: str, drawn: Sequence[bytes], alt: str, caption: str) -> list[Picture]:
    """Figures that show the same kind of thing; from the second on, their names are numbered."""
    return [
        Picture(f"{name}-{part}" if part > 1 else name, png, alt, caption, width="natural")
        for part, png in enumerate(drawn, start=1)
    ]


def named(methods: Sequence[str]) -> str:
    """Methods as people write them: ``HiResCAM and GradCAM``."""
    return several([NAMES[method] for method in methods])


def _title(method: str, words: str) -> str:
    return f"{NAMES[method]}\n{words}" if words else NAMES[method]
