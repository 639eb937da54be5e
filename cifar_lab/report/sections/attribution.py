"""Where the model looks: maps of individual images, their completeness, and averages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cifar_lab.explain.attribution import NAMES, UNITS
from cifar_lab.explain.cams import leading
from cifar_lab.explain.explained import Averaged, Explained, ReportMaps
from cifar_lab.explain.targets import TARGETS
from cifar_lab.report.blocks import Block, Picture, Section, Table, Text
from cifar_lab.report.charts.svg import written
from cifar_lab.report.figures.attribution import Scaled, attributions, mean_maps
from cifar_lab.report.figures.lettering import in_glyphs
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.map_rows import beside_images, means
from cifar_lab.report.sections.maps import (
    COLOURS,
    SHADED,
    named,
    numbered,
    of_targets,
    one_series,
    scaled,
    scales,
)
from cifar_lab.report.sections.trust import UNTRUSTED, in_short, trust
from cifar_lab.run.drawn import DrawnFigure
from cifar_lab.run.folder import file_name
from cifar_lab.wording import several

#: Number of classes whose mean maps are shown, and maps per row.
CLASSES, COLUMNS = 20, 5
#: Images whose maps' sums are told.
SUMMED = 5
#: Bytes of all figures of ``explain`` on the page; of those that come later it names the files.
EMBEDDED = 750_000
#: Said of the third map of every image.
DIFFERENCE = (
    "Predicted − true is the evidence that decided between the two classes: the map of the "
    "difference of their logits, which is the first map minus the second, cell by cell."
)
NO_LAYER = (
    "No GradCAM map can be shown: the model has no layer whose output is a feature map. "
    "Name one with `report.gradcam_layer=…`, or use "
    "`cifar-lab explain RUN --method occlusion`, which needs none."
)


def attribution(reading: Reading, maps: ReportMaps) -> Section:
    """Maps of the gallery's images for each target, and averages over a stated sample."""
    if not reading.layers:
        return Section("Attribution", [Text(NO_LAYER), *explained_before(reading)])
    measured = reading.run.maps.trust
    blocks: list[Block] = [UNTRUSTED if measured is None else in_short(measured)]
    blocks += [faithfulness(layer, maps) for layer in _measured(reading, maps)]
    for number, found in enumerate(maps.gallery):
        name = file_name("attributions", str(found.layer)) if number else "attributions"
        methods = maps.methods(str(found.layer))
        blocks += [*_maps(reading, found, methods, name), *completeness(found, methods)]
    if maps.averaged is not None:
        blocks += _averages(reading, maps.averaged)
    if measured is not None:
        blocks += trust(measured)
    return Section("Attribution", [*blocks, *explained_before(reading)])


def faithfulness(layer: str, maps: ReportMaps) -> Text:
    """Which method is shown first at a layer, and why."""
    agreement, methods = maps.agreement(layer), maps.methods(layer)
    if methods[0] == "gradcam":
        return Text(
            f"At {layer}, GradCAM agrees with HiResCAM (correlation {agreement:.2f} over all "
            "cells), whose weights vary by location: GradCAM is shown."
        )
    return Text(
        f"At {layer}, GradCAM is unfaithful: the layers after it do not weight all locations of a "
        "channel equally, and GradCAM's mean weights hide that (correlation "
        f"{agreement:.2f} with HiResCAM over all cells). HiResCAM, whose weights vary by location, "
        "is shown first; GradCAM stands beside it for comparison.",
        warning=True,
    )


def completeness(found: Explained, methods: Sequence[str]) -> list[Block]:
    """What the maps of the predicted class sum to, beside what they explain."""
    sums = [getattr(found, method)[:, 0].sum(axis=(1, 2)) for method in methods]
    rows = [
        [str(sample), *(written(v, ".2f") for v in (found.without_bias[number, 0], *of_image))]
        for number, (sample, *of_image) in enumerate(
            zip(found.sample_ids[:SUMMED], *(each[:SUMMED] for each in sums), strict=True)
        )
    ]
    header = ("sample", "logit − bias", *(f"{NAMES[method]} sums to" for method in methods))
    return [
        Text(
            f"Completeness at {found.layer}, of the predicted class in the first images: the maps "
            "should sum to the logit without the bias of its class. What biases and normalisation "
            "between the layer and the logits add is missing from every map."
        ),
        Table(header, rows),
    ]


def explained_before(reading: Reading) -> list[Block]:
    """The figures that ``explain RUN`` drew, each with its caption."""
    blocks: list[Block] = []
    room = EMBEDDED
    drawn = reading.run.maps.drawn
    asked = list(dict.fromkeys(figure.question for figure in drawn))
    for figure in sorted(drawn, key=lambda figure: -asked.index(figure.question)):
        path, files = reading.run.folder.figure(figure.name), reading.run.files
        told = f"{figure.caption}{_origin(figure)}"
        if not path.is_file():
            blocks.append(Text(f"{path.name}, drawn by `cifar-lab explain`, is missing.", True))
            continue
        png = files.read(path)
        room -= len(png)
        if room >= 0:
            alt = figure.caption.partition(". ")[0].rstrip(".") + "."
            blocks.append(Picture(figure.name, png, alt, told, width="natural"))
        else:
            blocks.append(Text(f"Not on this page, to keep it small: figures/{path.name}. {told}"))
    return [Text("Drawn by `cifar-lab explain`, the latest first:"), *blocks] if blocks else []


def _origin(figure: DrawnFigure) -> str:
    """When and by which command a figure was drawn, where that is known."""
    if not figure.command:
        return ""
    when = datetime.fromisoformat(figure.drawn).strftime("%Y-%m-%d %H:%M")
    return f" Drawn on {when} by: {figure.command}"


def _measured(reading: Reading, maps: ReportMaps) -> list[str]:
    """The layers at which GradCAM was compared with HiResCAM."""
    found = [str(each.layer) for each in maps.gallery]
    if maps.averaged is not None:
        found.append(str(maps.averaged.layer))
    return list(dict.fromkeys(found))


def _maps(reading: Reading, found: Explained, methods: Sequence[str], name: str) -> list[Block]:
    shown = reading.errors
    images = reading.evaluated.images(np.asarray([error.row for error in shown]))
    height, width = found.gradcam.shape[2:]

    def named_by(names: Sequence[str]) -> tuple[list[Scaled], list[list[str]]]:
        titles = of_targets(found, names, [(error.predicted, error.label) for error in shown])
        groups = [scaled(found, method, range(len(TARGETS)), titles) for method in methods]
        return groups, [
            [f"true: {names[e.label]}", f"predicted: {names[e.predicted]}"] for e in shown
        ]

    groups, heads = named_by(reading.class_names)
    # The page has every name as text; a picture only those whose letters its fonts have.
    spelled, above = named_by([in_glyphs(n, reading.class_names) for n in reading.class_names])
    drawn = attributions(images, spelled, ["\n".join(head) for head in above])
    caption = (
        f"Each row is one image with {named(methods)} of the logit of its predicted class (as "
        f"recorded), of that of its true class, and of predicted − true, at {found.layer} "
        f"({height}×{width} cells). {DIFFERENCE} The numbers are the explained logits, computed in "
        f"float32 without flips. {_ranges(methods, groups)} {COLOURS} {SHADED} A map without red "
        "cells is marked “all negative”: nothing in the image supports that class."
    )
    alt = (
        f"{named(methods)} maps ({several(list(TARGETS))}) at {found.layer} for {len(shown)} "
        "misclassified images."
    )
    pictures = numbered(name, drawn, alt, caption)
    return beside_images(images, methods, groups, heads, pictures)


def _averages(reading: Reading, averaged: Averaged) -> list[Block]:
    names, split = reading.class_names, reading.evaluated.name
    methods = leading(float(averaged.agreement))
    shown = np.flatnonzero(averaged.class_counts)[:CLASSES]
    titles = [f"{names[c]}, n={averaged.class_counts[c]}" for c in shown]
    groups = _groups(averaged, "class", shown, methods, [in_glyphs(t, names) for t in titles])
    drawn = Picture(
        "mean_maps",
        mean_maps(groups, COLUMNS),
        alt=f"Mean {named(methods)} maps of {several([names[c] for c in shown])}.",
        caption=f"Mean {named(methods)} maps of the predicted class (as recorded) at "
        f"{averaged.layer} over {int(averaged.images):,} {split} images sampled with a fixed "
        f"seed. {_ranges(methods, groups)} {COLOURS}{_left_out(averaged, shown)}",
        width="natural",
    )
    blocks = means(methods, groups, [[title] for title in titles], drawn)
    if len(averaged.pairs):
        pairs = np.arange(len(averaged.pairs))
        titles = [
            f"{names[a]}\n→ {names[b]}, n={n}"
            for (a, b), n in zip(averaged.pairs, averaged.pair_counts, strict=True)
        ]
        groups = _groups(averaged, "pair", pairs, methods, [in_glyphs(t, names) for t in titles])
        drawn = Picture(
            "mean_pair_maps",
            mean_maps(groups, COLUMNS),
            alt=f"Mean {named(methods)} maps of the most frequently confused pairs of classes.",
            caption="The same for the most frequently confused pairs (true → predicted), over "
            f"their images in the whole {split} set, at most 50 each. {_ranges(methods, groups)}",
            width="natural",
        )
        blocks += means(methods, groups, [title.split("\n") for title in titles], drawn)
    return [*blocks, _concentration(averaged, methods[0])]


def _left_out(averaged: Averaged, shown: NDArray[np.int64]) -> str:
    number = int((averaged.class_counts > 0).sum())
    return f" Showing the first {len(shown)} of {number} classes." if number > len(shown) else ""


def _ranges(methods: Sequence[str], groups: Sequence[Scaled]) -> str:
    return scales([(NAMES[m], group) for m, group in zip(methods, groups, strict=True)])


def _groups(
    averaged: Averaged,
    kind: str,
    shown: NDArray[np.int64],
    methods: Sequence[str],
    titles: Sequence[str],
) -> list[Scaled]:
    """Mean maps of classes (``class``) or pairs (``pair``), the methods below each other."""

    def of(name: str) -> NDArray[np.float32]:
        chosen: NDArray[np.float32] = getattr(averaged, f"{kind}_{name}")[shown]
        return chosen

    exact = of("hirescam")
    groups = []
    for method in methods:
        words = titles if len(methods) == 1 else [f"{NAMES[method]}\n{title}" for title in titles]
        reference = exact if method == "gradcam" else None
        series = one_series(of(method), words, of("without_bias"), reference)
        groups.append(Scaled(UNITS[method], [series]))
    return groups


def _concentration(averaged: Averaged, method: str) -> Table:
    rows = [
        [name, *_mean_and_deviation(values)]
        for name, values in (("correct", averaged.right), ("wrong", averaged.wrong))
    ]
    header = (
        "prediction",
        "images",
        f"share of cells with half the evidence ({NAMES[method]})",
        "standard deviation",
    )
    return Table((*header, "all negative"), rows)


def _mean_and_deviation(values: NDArray[np.float64]) -> list[str]:
    found = values[~np.isnan(values)]
    spread = f"{100 * found.std(ddof=1):.1f} %" if len(found) > 1 else "–"
    mean = f"{100 * found.mean():.1f} %" if len(found) else "–"
    return [f"{len(values):,}", mean, spread, f"{len(values) - len(found):,}"]
