"""Maps of selected images at a layer, and averages over a sample, as shown in reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.predictions import Pair
from cifar_lab.explain.attribution import agreement, attribute
from cifar_lab.explain.averages import concentration, mean_maps
from cifar_lab.explain.gradcam import gradcam_of_predictions
from cifar_lab.explain.targets import TARGETS, Targets, predict

#: Seed for the sample of test images whose maps are averaged.
SAMPLE_SEED = 0
#: Maximum number of images per confused pair whose maps are averaged.
PAIR_IMAGES = 50


@dataclass(frozen=True)
class Explained:
    """Maps of individual images at one layer, one for each of ``TARGETS``.

    Attributes:
        sample_ids: str ``(n,)``.
        predicted: int64 ``(n,)``, the predicted classes that were explained.
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
        class_maps: float32 ``(classes, h, w)``, means over the images predicted as each class.
        class_counts: int64 ``(classes,)``, number of those images.
        pairs: int64 ``(m, 2)``, true and predicted class of the most confused pairs.
        pair_maps: float32 ``(m, h, w)``, means over images from the whole test set.
        pair_counts: int64 ``(m,)``, number of those images.
        right: float64 ``(r,)``, concentration of the sample's maps for correct predictions.
        wrong: float64 ``(w,)``, likewise for incorrect predictions.
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
    images: Tensor,
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    sample_ids: NDArray[np.str_],
) -> Explained:
    """GradCAM of the predicted logit, the true logit and their difference.

    Args:
        model: in any mode; left unchanged.
        layer: name of a module whose output is a map.
        images: float32 ``(n, 3, height, width)``, normalised.
        labels: int64 ``(n,)``, true classes.
        predicted: int64 ``(n,)``, predicted classes.
        sample_ids: str ``(n,)``.
    """
    classes = _classes(predicted, images)
    targets = [Targets.named(name, classes, _classes(labels, images)) for name in TARGETS]
    maps = [attribute(model, "gradcam", layer, images, target) for target in targets]
    logits = predict(model, images)
    return Explained(
        sample_ids=sample_ids,
        predicted=predicted,
        layer=np.asarray(layer),
        maps=np.stack(maps, axis=1),
        values=np.stack([t.values(logits).cpu().numpy() for t in targets], axis=1),
        agreement=np.asarray(agreement(model, layer, images, targets[0], maps[0])),
    )


def average_maps(
    model: nn.Module,
    layer: str,
    images_of: Callable[[NDArray[np.int64]], Tensor],
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    classes: int,
    pairs: Sequence[Pair],
    number: int,
) -> Averaged:
    """Average maps over ``number`` test images, drawn with a fixed seed, and over confused pairs.

    Args:
        model: in any mode; left unchanged.
        layer: name of a module whose output is a map.
        images_of: returns the test images at rows int64 ``(k,)``, normalised, as float32
            ``(k, 3, height, width)``.
        labels: int64 ``(n,)``, true classes of all test images.
        predicted: int64 ``(n,)``, their recorded predictions.
        classes: number of classes.
        pairs: confused pairs to average over as well.
        number: size of the sample, at least 1.
    """
    sample = np.sort(np.random.default_rng(SAMPLE_SEED).permutation(len(labels))[:number])
    of_pairs = [
        np.flatnonzero((labels == p.label) & (predicted == p.predicted))[:PAIR_IMAGES]
        for p in pairs
    ]
    maps, found = gradcam_of_predictions(
        model, layer, images_of(np.concatenate([sample, *of_pairs]))
    )
    groups = np.concatenate(
        [np.full(len(sample), -1), *(np.full(len(r), n) for n, r in enumerate(of_pairs))]
    )
    sampled, taken_for = maps[: len(sample)], found[: len(sample)]
    class_maps, class_counts = mean_maps(sampled, taken_for, classes)
    pair_maps, pair_counts = mean_maps(maps, groups, len(pairs))
    spread, is_right = concentration(sampled), taken_for == labels[sample]
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


def _classes(values: NDArray[np.int64], images: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(images.device)
