"""Saves attribution maps, so that a report can be redrawn without the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cifar_lab.explain.explained import Averaged, Explained
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import packed, read_arrays

#: Names of the arrays of one layer, and of those that all layers share.
OF_A_LAYER = ("gradcam", "hirescam", "agreement")
OF_ALL_LAYERS = ("sample_ids", "predicted", "values", "without_bias")


def packed_explained(explained: Sequence[Explained]) -> bytes:
    """Packs the maps of the same images at one or more layers.

    Shared arrays are there once, the others as ``layer3/gradcam``, ``layer3/hirescam`` and
    ``layer3/agreement``.
    """
    own = {f"{e.layer}/{name}": vars(e)[name] for e in explained for name in OF_A_LAYER}
    shared = {name: vars(explained[0])[name] for name in OF_ALL_LAYERS}
    return packed({"layers": np.stack([e.layer for e in explained]), **shared, **own})


def unpacked_explained(path: Path, content: bytes) -> list[Explained] | None:
    """Unpacks what :func:`packed_explained` packed; None if it has another layout.

    Older runs have other layouts, whose maps a report does not show: they lack HiResCAM, and
    averages were of classes that were predicted anew. Reports then compute the maps again.

    Args:
        path: of the file, for messages.
        content: of the file.
    """
    try:
        arrays = read_arrays(path, ("layers", *OF_ALL_LAYERS), lambda _: content)
        shared = {name: arrays[name] for name in OF_ALL_LAYERS}
        return [
            Explained(
                layer=layer, **shared, **{name: arrays[f"{layer}/{name}"] for name in OF_A_LAYER}
            )
            for layer in arrays["layers"]
        ]
    except (Refusal, KeyError):
        return None


def packed_averaged(averaged: Averaged) -> bytes:
    """Packs the arrays, compressed."""
    return packed(vars(averaged))


def unpacked_averaged(path: Path, content: bytes) -> Averaged | None:
    """Unpacks what :func:`packed_averaged` packed; None if it has another layout."""
    names = [field.name for field in dataclasses.fields(Averaged)]
    try:
        arrays = read_arrays(path, names, lambda _: content)
    except Refusal:
        return None
    return Averaged(**{name: arrays[name] for name in names})
