"""The images of the gallery: those of the report first, then some of every confusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import log_softmax, softmax
from cifar_lab.explain.attribution import NAMES
from cifar_lab.explain.explained import ReportMaps
from cifar_lab.explain.targets import TARGETS
from cifar_lab.report.charts.gallery import Item, MapRow
from cifar_lab.report.figures.attribution import Scaled
from cifar_lab.report.figures.colour_scale import ticks
from cifar_lab.report.figures.image_grid import overlay
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.maps import of_targets, scaled

#: Most images, and classes whose probabilities are told.
MOST, RANKED = 300, 5
#: Longest side of a map in pixels.
SIDE = 64


def items(reading: Reading, maps: ReportMaps) -> list[Item]:
    """The images with what readers see of each.

    Args:
        reading: the run as its report reads it.
        maps: the attribution maps of the report's misclassified images.
    """
    split, names = reading.evaluated, reading.class_names
    rows = chosen(reading)
    images = split.images(np.asarray(rows, np.int64))
    shares, losses = softmax(reading.logits), -log_softmax(reading.logits)
    rows_of_maps = _rows_of_maps(reading, maps, images)
    found = []
    for place, (row, image) in enumerate(zip(rows, images, strict=True)):
        label = int(split.labels[row])
        ranked = np.argsort(-shares[row], kind="stable")[:RANKED].tolist()
        ranked += [label] * (label not in ranked)
        found.append(
            Item(
                image=image,
                sample=str(split.sample_ids[row]),
                label=label,
                predicted=int(reading.predicted[row]),
                loss=float(losses[row, label]),
                ranked=[(names[n], 100 * float(shares[row, n])) for n in ranked],
                maps=rows_of_maps[place] if place < len(rows_of_maps) else [],
            )
        )
    return found


def chosen(reading: Reading, most: int = MOST) -> list[int]:
    """Rows of the images: the report's misclassified ones, then others by turns.

    In each turn, every pair of true and predicted class gives its image with the highest loss,
    confusions first, and of these the most frequent first.
    """
    first = [error.row for error in reading.errors]
    label, predicted = reading.evaluated.labels, reading.predicted
    loss = -log_softmax(reading.logits)[np.arange(len(label)), label]
    order = np.argsort(-loss, kind="stable")
    pairs = (label * len(reading.class_names) + predicted)[order]
    by_pair = np.argsort(pairs, kind="stable")
    _, starts, counts = np.unique(pairs[by_pair], return_index=True, return_counts=True)
    turn = np.empty(len(order), np.int64)
    turn[by_pair] = np.arange(len(order)) - np.repeat(starts, counts)
    size = np.empty(len(order), np.int64)
    size[by_pair] = np.repeat(counts, counts)
    right = (label == predicted)[order]
    turns = order[np.lexsort((-size, right, turn))].tolist()
    return list(dict.fromkeys([*first, *turns]))[:most]


def _rows_of_maps(
    reading: Reading, maps: ReportMaps, images: NDArray[np.uint8]
) -> list[list[MapRow]]:
    """For each misclassified image of the report, its maps by layer and method.

    The maps of a layer and method are on one scale for all images, that of the section's figure.
    """
    errors, names = reading.errors, reading.class_names
    rows: list[list[MapRow]] = [[] for _ in errors]
    for found in maps.gallery:
        titles = of_targets(found, names, [(error.predicted, error.label) for error in errors])
        for method in maps.methods(str(found.layer)):
            group = scaled(found, method, range(len(TARGETS)), titles)
            title = f"{NAMES[method]} at {found.layer}, evidence in {group.unit}"
            labels = [text for _, text in ticks(group.end)] if group.end else []
            for number, row in enumerate(rows):
                row.append(MapRow(title, _maps(group, number, images[number]), labels))
    return rows


def _maps(
    group: Scaled, number: int, image: NDArray[np.uint8]
) -> list[tuple[str, NDArray[np.uint8] | str]]:
    """Titles and maps of an image, or the reason why a map has no colours."""
    found: list[tuple[str, NDArray[np.uint8] | str]] = []
    for each in group.series:
        title = each.titles[number].partition(", ")[2].replace("\n", " ")
        note = each.notes[number]
        found.append((title, note or overlay(image, each.maps[number], group.end, SIDE)))
    return found
