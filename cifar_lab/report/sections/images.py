"""The images of the gallery: those of the report first, then some of every confusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.predictions import log_softmax, softmax
from cifar_lab.explain.attribution import NAMES
from cifar_lab.explain.explained import ReportMaps
from cifar_lab.report.charts.gallery import Item
from cifar_lab.report.figures.image_grid import overlay
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.maps import scaled

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
    found = []
    for place, (row, image) in enumerate(zip(rows, images, strict=True)):
        label = int(split.labels[row])
        ranked = np.argsort(-shares[row], kind="stable")[:RANKED].tolist()
        ranked += [label] * (label not in ranked)
        drawn, notes = _maps(maps, place, image) if place < len(reading.errors) else ([], [])
        found.append(
            Item(
                image=image,
                sample=str(split.sample_ids[row]),
                label=label,
                predicted=int(reading.predicted[row]),
                loss=float(losses[row, label]),
                ranked=[(names[n], 100 * float(shares[row, n])) for n in ranked],
                maps=drawn,
                notes=notes,
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


def _maps(
    maps: ReportMaps, number: int, image: NDArray[np.uint8]
) -> tuple[list[tuple[str, NDArray[np.uint8]]], list[str]]:
    """Maps of the predicted class, each on its own scale, and why some are missing."""
    drawn, notes = [], []
    for found in maps.gallery:
        layer = str(found.layer)
        for method in maps.methods(layer):
            title = f"{NAMES[method]} of the predicted class at {layer}"
            (series,) = scaled(found, method, [0], [[""]] * len(found.sample_ids)).series
            map_, note = series.maps[number], series.notes[number]
            if note:
                notes.append(f"{title}: {note}")
            else:
                drawn.append((title, overlay(image, map_, float(np.abs(map_).max()), SIDE)))
    return drawn, notes
