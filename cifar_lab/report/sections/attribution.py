"""Where the model looks: maps of single images, how far they add up, and their averages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_lab.explain.attribution import FAITHFUL
from cifar_lab.explain.explained import Averaged, Explained
from cifar_lab.explain.targets import TARGETS
from cifar_lab.report.blocks import Block, Picture, Section, Table, Text
from cifar_lab.report.figures.images import attributions, mean_maps
from cifar_lab.report.reading import Reading
from cifar_lab.run.trust import Trust
from cifar_lab.wording import several

#: Classes whose mean maps are shown, and maps a row.
CLASSES, COLUMNS = 20, 5
NO_LAYER = (
    "Nothing sensible can be shown: the model declares no layer whose output is a map. "
    "`report.gradcam_layer=…` names one; `cifar-lab explain RUN --method occlusion` needs none."
)


def attribution(
    reading: Reading, explained: Sequence[Explained], averaged: Averaged | None
) -> Section:
    """GradCAM of the gallery's images for each target, and averages over a stated sample."""
    if not reading.layers:
        return Section("Attribution", [Text(NO_LAYER)])
    blocks: list[Block] = []
    for number, found in enumerate(explained):
        name = f"attributions-{found.layer}" if number else "attributions"
        blocks += [_maps(reading, found, name), *completeness(found)]
    if averaged is not None:
        blocks += _averages(reading, averaged)
    measured = reading.run.maps.trust
    if measured is not None:
        blocks += trust(measured)
    else:
        blocks.append(
            Text("How far these maps can be trusted: `cifar-lab explain RUN --trust` measures it.")
        )
    return Section("Attribution", blocks)


def completeness(explained: Explained) -> list[Text]:
    """What the maps add up to, and a warning where the head makes GradCAM unfaithful."""
    sums = explained.maps[:, 0].sum(axis=(1, 2))
    pairs = [f"{s:.2f} of {v:.2f}" for s, v in zip(sums, explained.values[:, 0], strict=True)]
    agreement = float(explained.agreement)
    texts = [
        Text(
            f"Completeness: the maps of the predicted class add up to {several(pairs[:5])} of the "
            "logit in the first images. Correlation with HiResCAM, whose weights differ from "
            f"place to place: {agreement:.2f}."
        )
    ]
    if agreement < FAITHFUL:
        texts.append(
            Text(
                f"At {explained.layer} GradCAM is unfaithful: what follows the layer does not "
                "weigh all places of a channel alike, and GradCAM's mean weights hide that. Look "
                "at `cifar-lab explain RUN --method hirescam` beside it.",
                warning=True,
            )
        )
    return texts


def _maps(reading: Reading, explained: Explained, name: str) -> Picture:
    names, shown = reading.class_names, reading.errors
    titles = []
    for error, values in zip(shown, explained.values, strict=True):
        words = (names[error.predicted], names[error.label], "difference")
        titles.append([f"{w} {v:.2f}" for w, v in zip(words, values, strict=True)])
    images = reading.test.images[[error.row for error in shown]]
    heads = [f"{names[e.label]}\ntaken for {names[e.predicted]}" for e in shown]
    height, width = explained.maps.shape[2:]
    return Picture(
        name,
        attributions(images, list(explained.maps), heads, titles),
        alt=f"GradCAM maps of {several(list(TARGETS))} at {explained.layer} for {len(shown)} "
        "misclassified images.",
        caption="A row an image: GradCAM of the predicted logit, of the true one, and of their "
        f"difference, at {explained.layer} ({height}×{width} cells), on one scale a row, in logit "
        "units; red speaks for, blue against. A map without a red cell is called all negative: "
        "nothing in the image speaks for that class.",
        width="natural",
    )


def _averages(reading: Reading, averaged: Averaged) -> list[Block]:
    names = reading.class_names
    shown = np.flatnonzero(averaged.class_counts)[:CLASSES]
    titles = [f"{names[c]}, n={averaged.class_counts[c]}" for c in shown]
    blocks: list[Block] = [
        Picture(
            "mean_maps",
            mean_maps(averaged.class_maps[shown], titles, COLUMNS),
            alt=f"Mean GradCAM maps of {several([names[c] for c in shown])}.",
            caption=f"Mean GradCAM at {averaged.layer} of the predicted class over "
            f"{int(averaged.images):,} test images, drawn by a fixed seed, by the class that they "
            "were taken for; one scale.",
            width="natural",
        )
    ]
    if len(averaged.pairs):
        titles = [
            f"{names[a]} as\n{names[b]}, n={n}"
            for (a, b), n in zip(averaged.pairs, averaged.pair_counts, strict=True)
        ]
        blocks.append(
            Picture(
                "mean_pair_maps",
                mean_maps(averaged.pair_maps, titles, COLUMNS),
                alt="Mean GradCAM maps of the most confused pairs of classes.",
                caption="The same for the most confused pairs, over their images in the whole "
                "test set, at most 50 each.",
                width="natural",
            )
        )
    return [*blocks, _concentration(averaged)]


def _concentration(averaged: Averaged) -> Table:
    rows = [
        [name, *_mean_and_deviation(values)]
        for name, values in (("right", averaged.right), ("wrong", averaged.wrong))
    ]
    header = ("prediction", "images", "share of cells that holds half", "standard deviation")
    return Table((*header, "all negative"), rows)


def _mean_and_deviation(values: NDArray[np.float64]) -> list[str]:
    found = values[~np.isnan(values)]
    spread = f"{100 * found.std(ddof=1):.1f} %" if len(found) > 1 else "–"
    mean = f"{100 * found.mean():.1f} %" if len(found) else "–"
    return [f"{len(values):,}", mean, spread, f"{len(values) - len(found):,}"]


def trust(found: Trust) -> list[Block]:
    """The table that ``explain RUN --trust`` left."""
    rows = [
        [
            each.order,
            f"{each.deletion:.3f} ± {each.deletion_error:.3f}",
            f"{each.insertion:.3f} ± {each.insertion_error:.3f}",
        ]
        for each in found.orders
    ]
    header = ("cells in the order of", "deletion (lower is better)", "insertion (higher is better)")
    return [
        Text(
            f"How far to trust {found.method} at {found.layer}, over {found.images:,} "
            "fixed test images: mean probability of the predicted class while cells are covered "
            "with the mean colour in an order (deletion) or uncovered (insertion), with standard "
            "errors. With all weights drawn anew, its maps keep a rank correlation of "
            f"{found.randomised:.2f} with those shown (0: they depend on what was learned)."
        ),
        Table(header, rows),
    ]
