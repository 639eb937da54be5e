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
from cifar_lab.report.figures.colour_scale import ticks
from cifar_lab.wording import several

#: For each image, titles of its maps.
Titles = Sequence[Sequence[str]]
#: Said below every figure of maps.
COLOURS = (
    "Red is evidence for, blue against, white neither. A map has no colours where its absolute "
    f"values sum to less than {100 * NEGLIGIBLE:.0f} % of |logit − bias| (for GradCAM: of what "
    "HiResCAM's sum to at the same layer)."
)
#: Said below the second and later parts of a figure.
CONTINUED = "Further images, with the colour scales and the caption of the part before."
#: Said where maps lie over images.
SHADED = "The image below a map only darkens its colours."


def scales(groups: Sequence[tuple[str, Scaled]]) -> str:
    """The scale of each named group, in words: its unit and where it ends."""
    ranges = [f"{name} {scale(group)}" for name, group in groups if group.end]
    if not ranges:
        return "No map in this figure has colours."
    begins = "Colour scales, each" if len(ranges) > 1 else "Colour scale,"
    return f"{begins} the same in all of this figure: {'; '.join(ranges)}."


def scale(group: Scaled) -> str:
    """Where a scale ends, and its unit: ``−1.6 to 1.6 logits per cell``."""
    labels = [text for _, text in ticks(group.end)]
    return f"{labels[0]} to {labels[-1]} {group.unit}"


def scaled(
    found: Explained, method: str, targets: Sequence[int], titles: Sequence[Sequence[str]]
) -> Scaled:
    """Maps of the gallery's images by a method, for each target, on one scale.

    Args:
        found: the maps at one layer.
        method: ``hirescam`` or ``gradcam``.
        targets: indices into ``TARGETS``.
        titles: for each image, what follows the method in the titles of its maps, in the order of
            ``targets``.
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
        Picture(
            f"{name}-{part}" if part > 1 else name,
            png,
            f"Part {part} of {len(drawn)}: {alt}" if len(drawn) > 1 else alt,
            caption if part == 1 else CONTINUED,
            width="natural",
        )
        for part, png in enumerate(drawn, start=1)
    ]


def of_targets(found: Explained, names: Sequence[str], pairs: Sequence[tuple[int, int]]) -> Titles:
    """For each image, titles of its maps for ``TARGETS``: the class or classes, and the logit.

    Args:
        found: the maps at one layer.
        names: of the classes.
        pairs: predicted and true class of each image.
    """
    titles = []
    for (predicted, label), values in zip(pairs, found.values, strict=True):
        words = (
            f", predicted\n{names[predicted]}",
            f", true\n{names[label]}",
            ", difference\nof logits",
        )
        titles.append([f"{w}: {_signed(v)}" for w, v in zip(words, values, strict=True)])
    return titles


def named(methods: Sequence[str]) -> str:
    """Methods as people write them: ``HiResCAM and GradCAM``."""
    return several([NAMES[method] for method in methods])


def _title(method: str, words: str) -> str:
    return NAMES[method] + words


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
