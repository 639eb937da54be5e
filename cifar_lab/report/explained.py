"""Maps that a report shows: computed once, then kept, so that they are redrawn without a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.attribution import agreement, attribute
from cifar_lab.explain.averages import concentration, mean_maps
from cifar_lab.explain.gradcam import gradcam_of_predictions
from cifar_lab.explain.targets import TARGETS, Targets, predict
from cifar_lab.refusal import Refusal
from cifar_lab.report.statistics import Pair
from cifar_lab.run.records import read_arrays, write_arrays

#: Of the sample of test images whose maps are averaged.
SAMPLE_SEED = 0
#: Names of what is known of images at one layer, and of what is the same at each.
OF_A_LAYER, OF_ALL_LAYERS = ("maps", "agreement"), ("sample_ids", "predicted", "values")
#: Images of each confused pair whose maps are averaged, at most.
PAIR_IMAGES = 50


@dataclass(frozen=True)
class Explained:
    """Maps of single images at one layer, one for each of ``TARGETS``.

    Attributes:
        sample_ids: str ``(n,)``.
        predicted: int64 ``(n,)``, the classes that were explained.
        layer: str ``()``.
        maps: float32 ``(n, 3, h, w)``, signed, at the layer's resolution, in logit units.
        values: float32 ``(n, 3)``, the explained logits and their difference.
        agreement: float64 ``()``, correlation of GradCAM with HiResCAM over all cells.
    """

    sample_ids: NDArray[np.str_]
    predicted: NDArray[np.int64]
    layer: NDArray[np.str_]
    maps: NDArray[np.float32]
    values: NDArray[np.float32]
    agreement: NDArray[np.float64]


@dataclass(frozen=True)
class Averaged:
    """GradCAM maps of the predicted class over a sample of test images.

    Attributes:
        layer: str ``()``.
        images: int64 ``()``, size of the sample.
        class_maps: float32 ``(classes, h, w)``, means over the images taken for a class.
        class_counts: int64 ``(classes,)``.
        pairs: int64 ``(m, 2)``, true and predicted class of the most confused pairs.
        pair_maps: float32 ``(m, h, w)``, means over images of the whole test set.
        pair_counts: int64 ``(m,)``.
        right: float64 ``(r,)``, concentration of the sample's maps where the model is right.
        wrong: float64 ``(w,)``, likewise where it is wrong.
    """

    layer: NDArray[np.str_]
    images: NDArray[np.int64]
    class_maps: NDArray[np.float32]
    class_counts: NDArray[np.int64]
    pairs: NDArray[np.int64]
    pair_maps: NDArray[np.float32]
    pair_counts: NDArray[np.int64]
    right: NDArray[np.float64]
    wrong: NDArray[np.float64]


def explain_images(
    model: nn.Module,
    layer: str,
    normalise: Normalise,
    test: ImageArrays,
    rows: NDArray[np.int64],
    predicted: NDArray[np.int64],
) -> Explained:
    """GradCAM of the predicted and the true logit and of their difference.

    Args:
        model: in any mode; left as it is.
        layer: name of a module whose output is a map.
        normalise: makes images what the model reads, in float32.
        test: the test images.
        rows: int64 ``(n,)``, of the test images.
        predicted: int64 ``(n,)``, their predicted classes.
    """
    images = normalise(torch.from_numpy(test.images[rows]))
    classes, labels = _classes(predicted, images), _classes(test.labels[rows], images)
    targets = [Targets.named(name, classes, labels) for name in TARGETS]
    maps = [attribute(model, "gradcam", layer, images, target) for target in targets]
    logits = predict(model, images)
    return Explained(
        sample_ids=test.sample_ids[rows],
        predicted=predicted,
        layer=np.asarray(layer),
        maps=np.stack(maps, axis=1),
        values=np.stack([t.values(logits).cpu().numpy() for t in targets], axis=1),
        agreement=np.asarray(agreement(model, layer, images, targets[0], maps[0])),
    )


def average_maps(
    model: nn.Module,
    layer: str,
    normalise: Normalise,
    test: ImageArrays,
    predicted: NDArray[np.int64],
    pairs: list[Pair],
    number: int,
) -> Averaged:
    """Averages over ``number`` test images, drawn by a fixed seed, and over confused pairs.

    Args:
        model: in any mode; left as it is.
        layer: name of a module whose output is a map.
        normalise: makes images what the model reads, in float32.
        test: the test images.
        predicted: int64 ``(n,)``, recorded predictions of all test images.
        pairs: to average as well.
        number: size of the sample, at least 1.
    """
    sample = np.sort(np.random.default_rng(SAMPLE_SEED).permutation(len(test))[:number])
    of_pairs = [
        np.flatnonzero((test.labels == p.label) & (predicted == p.predicted))[:PAIR_IMAGES]
        for p in pairs
    ]
    rows = np.concatenate([sample, *of_pairs])
    maps, found = gradcam_of_predictions(
        model, layer, normalise(torch.from_numpy(test.images[rows]))
    )
    groups = np.concatenate(
        [np.full(len(sample), -1), *(np.full(len(r), n) for n, r in enumerate(of_pairs))]
    )
    sampled, classes = maps[: len(sample)], found[: len(sample)]
    class_maps, class_counts = mean_maps(sampled, classes, len(test.class_names))
    pair_maps, pair_counts = mean_maps(maps, groups, len(pairs))
    spread, is_right = concentration(sampled), classes == test.labels[sample]
    return Averaged(
        layer=np.asarray(layer),
        images=np.asarray(len(sample)),
        class_maps=class_maps,
        class_counts=class_counts,
        pairs=np.asarray([(p.label, p.predicted) for p in pairs], dtype=np.int64).reshape(-1, 2),
        pair_maps=pair_maps,
        pair_counts=pair_counts,
        right=spread[is_right],
        wrong=spread[~is_right],
    )


def save_explained(path: Path, explained: Sequence[Explained]) -> None:
    """Writes the maps of the same images at each layer, of which there is one at least.

    What is the same at each stands once; the rest is ``layer3/maps`` and ``layer3/agreement``.
    """
    own = {f"{e.layer}/{name}": getattr(e, name) for e in explained for name in OF_A_LAYER}
    shared = {name: getattr(explained[0], name) for name in OF_ALL_LAYERS}
    write_arrays(path, {"layers": np.stack([e.layer for e in explained]), **shared, **own})


def load_explained(path: Path) -> list[Explained] | None:
    """What :func:`save_explained` wrote; None where it is missing or something else stands there.

    Older runs, which knew one layer, kept it otherwise: None as well.
    """
    try:
        layers = read_arrays(path, ["layers"])["layers"]
        shared = read_arrays(path, OF_ALL_LAYERS)
        own = [read_arrays(path, [f"{layer}/{name}" for name in OF_A_LAYER]) for layer in layers]
    except Refusal:
        return None
    return [
        Explained(layer=layer, **shared, **dict(zip(OF_A_LAYER, arrays.values(), strict=True)))
        for layer, arrays in zip(layers, own, strict=True)
    ]


def save_averaged(path: Path, averaged: Averaged) -> None:
    """Writes the arrays, compressed."""
    write_arrays(path, vars(averaged))


def load_averaged(path: Path) -> Averaged | None:
    """What :func:`save_averaged` wrote; None where it is missing or something else stands there."""
    try:
        names = [field.name for field in dataclasses.fields(Averaged)]
        return Averaged(**read_arrays(path, names))
    except Refusal:
        return None


def _classes(values: NDArray[np.int64], images: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(images.device)
