"""Where the model looks: maps of individual images, their completeness, and averages."""

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

#: Number of classes whose mean maps are shown, and maps per row.
CLASSES, COLUMNS = 20, 5
NO_LAYER = (
    "No GradCAM map can be shown: the model declares no layer whose output is a feature map. "
    "Name one with `report.gradcam_layer=…`, or use "
    "`cifar-lab explain RUN --method occlusion`, which needs none."
)


def attribution(
    reading: Reading, explained: Sequence[Explained], averaged: Averaged | None
) -> Section:
    """GradCAM maps of the gallery's images for each target, and averages over a stated sample."""
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
            Text("To measure how far these maps can be trusted: `cifar-lab explain RUN --trust`.")
        )
    return Section("Attribution", blocks)


def completeness(explained: Explained) -> list[Text]:
    """What the maps sum to, and a warning if the head makes GradCAM unfaithful."""
    sums = explained.maps[:, 0].sum(axis=(1, 2))
    pairs = [f"{s:.2f} (logit {v:.2f})" for s, v in zip(sums, explained.values[:, 0], strict=True)]
    agreement = float(explained.agreement)
    texts = [
        Text(
            "Completeness: in the first images, the maps of the predicted class sum to "
            f"{several(pairs[:5])}. Correlation with HiResCAM, whose weights vary by location: "
            f"{agreement:.2f}."
        )
    ]
    if agreement < FAITHFUL:
        texts.append(
            Text(
                f"GradCAM is unfaithful at {explained.layer}: the layers after it do not weight "
                "all locations of a channel equally, and GradCAM's mean weights hide that. "
                "Compare `cifar-lab explain RUN --method hirescam`.",
                warning=True,
            )
        )
    return texts


def _maps(reading: Reading, explained: Explained, name: str) -> Picture:
    names, shown = reading.class_names, reading.errors
    titles = []
    for error, values in zip(shown, explained.values, strict=True):
        words = (names[error.predicted], names[error.label], "difference")
        titles.append([f"{w}: {v:.2f}" for w, v in zip(words, values, strict=True)])
    images = reading.test.images[[error.row for error in shown]]
    heads = [f"true: {names[e.label]}\npredicted: {names[e.predicted]}" for e in shown]
    height, width = explained.maps.shape[2:]
    return Picture(
        name,
        attributions(images, list(explained.maps), heads, titles),
        alt=f"GradCAM maps ({several(list(TARGETS))}) at {explained.layer} for {len(shown)} "
        "misclassified images.",
        caption="Each row is one image with the GradCAM maps of its predicted logit, of its true "
        f"logit and of their difference, at {explained.layer} ({height}×{width} cells). Each row "
        "has its own scale, in logit units; red is evidence for, blue against. A map without red "
        "cells is marked “all negative”: nothing in the image supports that class.",
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
            caption=f"Mean GradCAM maps of the predicted class at {averaged.layer}, one per "
            f"predicted class, over {int(averaged.images):,} test images sampled with a fixed "
            "seed; all on one scale.",
            width="natural",
        )
    ]
    if len(averaged.pairs):
        titles = [
            f"{names[a]}\n→ {names[b]}, n={n}"
            for (a, b), n in zip(averaged.pairs, averaged.pair_counts, strict=True)
        ]
        blocks.append(
            Picture(
                "mean_pair_maps",
                mean_maps(averaged.pair_maps, titles, COLUMNS),
                alt="Mean GradCAM maps of the most frequently confused pairs of classes.",
                caption="The same for the most frequently confused pairs (true → predicted), over "
                "their images in the whole test set, at most 50 each.",
                width="natural",
            )
        )
    return [*blocks, _concentration(averaged)]


def _concentration(averaged: Averaged) -> Table:
    rows = [
        [name, *_mean_and_deviation(values)]
        for name, values in (("correct", averaged.right), ("wrong", averaged.wrong))
    ]
    header = ("prediction", "images", "share of cells with half the evidence", "standard deviation")
    return Table((*header, "all negative"), rows)


def _mean_and_deviation(values: NDArray[np.float64]) -> list[str]:
    found = values[~np.isnan(values)]
    spread = f"{100 * found.std(ddof=1):.1f} %" if len(found) > 1 else "–"
    mean = f"{100 * found.mean():.1f} %" if len(found) else "–"
    return [f"{len(values):,}", mean, spread, f"{len(values) - len(found):,}"]


def trust(found: Trust) -> list[Block]:
    """The measurements that ``explain RUN --trust`` saved."""
    rows = [
        [
            each.order,
            f"{each.deletion:.3f} ± {each.deletion_error:.3f}",
            f"{each.insertion:.3f} ± {each.insertion_error:.3f}",
        ]
        for each in found.orders
    ]
    header = ("cells ordered by", "deletion (lower is better)", "insertion (higher is better)")
    return [
        Text(
            f"How far {found.method} at {found.layer} can be trusted, over {found.images:,} "
            "fixed test images: the mean probability of the predicted class, with its standard "
            "error, as cells are covered with the mean colour (deletion) or uncovered "
            "(insertion), one after another. With all weights re-initialised, the maps have a "
            f"rank correlation of {found.randomised:.2f} with those shown (0 means that they "
            "depend entirely on what was learned)."
        ),
        Table(header, rows),
    ]
