"""The report of one run: every section in order, as a page, as text and as PNG files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from cifar_lab.data.normalise import Normalise
from cifar_lab.report.blocks import Page
from cifar_lab.report.explained import (
    Averaged,
    Explained,
    average_maps,
    explain_images,
    load_averaged,
    load_explained,
    save_averaged,
    save_explained,
)
from cifar_lab.report.page import write_page
from cifar_lab.report.reading import Reading
from cifar_lab.report.sections.attribution import attribution
from cifar_lab.report.sections.data import data
from cifar_lab.report.sections.errors import errors
from cifar_lab.report.sections.origin import model, origin
from cifar_lab.report.sections.predictions import classes, confidence, confusions
from cifar_lab.report.sections.result import first_screen, lead
from cifar_lab.report.sections.training import training
from cifar_lab.report.statistics import confused_pairs
from cifar_lab.run.folder import RunFolder

#: Confused pairs whose maps are averaged.
PAIRS = 5


def kept_maps(
    folder: RunFolder, reading: Reading, model: nn.Module, normalise: Normalise, fresh: bool
) -> tuple[Sequence[Explained], Averaged | None]:
    """The maps that a report shows: those of the folder where they fit, else computed and kept.

    Args:
        folder: of the run.
        reading: of the run.
        model: with the weights of the reported checkpoint.
        normalise: makes images what the model reads, in float32.
        fresh: whatever the folder holds is of other weights.

    Returns:
        Maps of the gallery's images at each layer, and averages at the first.
    """
    test, layers = reading.test, reading.layers
    if not layers:
        return [], None
    rows = np.asarray([error.row for error in reading.errors], dtype=np.int64)
    explained = None if fresh else load_explained(folder.gallery_maps)
    if len(rows) and (explained is None or not _fit(explained, layers, test.sample_ids[rows])):
        predicted = reading.predicted[rows]
        explained = [
            explain_images(model, layer, normalise, test, rows, predicted) for layer in layers
        ]
        save_explained(folder.gallery_maps, explained)
    number = min(reading.options.averaged_images, len(test))
    averaged = None if fresh else load_averaged(folder.averaged_maps)
    if number and (averaged is None or averaged.layer != layers[0] or averaged.images != number):
        pairs = confused_pairs(reading.matrix, PAIRS)
        averaged = average_maps(model, layers[0], normalise, test, reading.predicted, pairs, number)
        save_averaged(folder.averaged_maps, averaged)
    return (explained or []) if len(rows) else [], averaged if number else None


def write_report(
    folder: RunFolder, reading: Reading, explained: Sequence[Explained], averaged: Averaged | None
) -> None:
    """Writes figures, report.html and report.md.

    Args:
        folder: of the run.
        reading: of the run.
        explained: maps of the gallery's images at each layer; none without errors or a layer.
        averaged: None where that was not asked for, or without a layer.
    """
    page = Page(
        title=reading.title,
        lead=lead(reading),
        blocks=first_screen(reading),
        sections=[
            training(reading),
            classes(reading),
            confusions(reading),
            confidence(reading),
            errors(reading, explained),
            attribution(reading, explained, averaged),
            data(reading),
            model(reading),
            origin(reading),
        ],
    )
    write_page(page, folder.report)


def _fit(
    explained: Sequence[Explained], layers: Sequence[str], sample_ids: NDArray[np.str_]
) -> bool:
    return [str(found.layer) for found in explained] == list(layers) and all(
        list(found.sample_ids) == list(sample_ids) for found in explained
    )
