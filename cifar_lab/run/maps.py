"""Saves attribution maps, so that a report can be redrawn without the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cifar_lab.explain.explained import Averaged, Explained
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import read_arrays, write_arrays

#: Names of the arrays of one layer, and of those that all layers share.
OF_A_LAYER = ("gradcam", "hirescam", "agreement")
OF_ALL_LAYERS = ("sample_ids", "predicted", "values", "without_bias")


def save_explained(path: Path, explained: Sequence[Explained]) -> None:
    """Writes the maps of the same images at one or more layers.

    Shared arrays are written once, the others as ``layer3/gradcam``, ``layer3/hirescam`` and
    ``layer3/agreement``.
    """
    own = {f"{e.layer}/{name}": vars(e)[name] for e in explained for name in OF_A_LAYER}
    shared = {name: vars(explained[0])[name] for name in OF_ALL_LAYERS}
    write_arrays(path, {"layers": np.stack([e.layer for e in explained]), **shared, **own})


def load_explained(path: Path) -> list[Explained] | None:
    """Reads what :func:`save_explained` wrote; None if it is missing or has another layout.

    Older runs have other layouts, whose maps a report does not show: they lack HiResCAM, and
    averages were of classes that were predicted anew. Reports then compute the maps again.
    """
    try:
        arrays = read_arrays(path, ("layers", *OF_ALL_LAYERS))
        shared = {name: arrays[name] for name in OF_ALL_LAYERS}
        return [
            Explained(
                layer=layer, **shared, **{name: arrays[f"{layer}/{name}"] for name in OF_A_LAYER}
            )
            for layer in arrays["layers"]
        ]
    except (Refusal, KeyError):
        return None


def save_averaged(path: Path, averaged: Averaged) -> None:
    """Writes the arrays, compressed."""
    write_arrays(path, vars(averaged))


def load_averaged(path: Path) -> Averaged | None:
    """Reads what :func:`save_averaged` wrote; None if it is missing or has another layout."""
    names = [field.name for field in dataclasses.fields(Averaged)]
    try:
        arrays = read_arrays(path, names)
    except Refusal:
        return None
    return Averaged(**{name: arrays[name] for name in names})
