"""Maps of selected images at a layer, and averages over a sample, as shown in reports.

The predicted class of an image is always the recorded one. A new prediction, in another precision
or without flips, may differ from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.predictions import Pair
from cifar_lab.explain.averages import concentration, mean_maps
from cifar_lab.explain.cams import agreement, class_activation_maps, leading
from cifar_lab.explain.targets import TARGETS, Targets, class_biases

#: Seed for the sample of images whose maps are averaged.
SAMPLE_SEED = 0
#: Maximum number of images per confused pair whose maps are averaged.
PAIR_IMAGES = 50


@dataclass(frozen=True)
class Explained:
    """Maps of individual images at one layer, one for each of ``TARGETS``.

    Attributes:
        sample_ids: str ``(n,)``.
        predicted: int64 ``(n,)``, the recorded predictions, which were explained.
        layer: str ``()``.
        gradcam: float32 ``(n, 3, h, w)``, signed, at the layer's resolution, in logit units.
        hirescam: float32 ``(n, 3, h, w)``, likewise.
        values: float32 ``(n, 3)``, the explained logits and their difference.
        without_bias: float32 ``(n, 3)``, the same without the biases of the network's head.
        agreement: float64 ``()``, correlation of GradCAM with HiResCAM over all cells.
    """

    sample_ids: NDArray[np.str_]
    predicted: NDArray[np.int64]
    layer: NDArray[np.str_]
    gradcam: NDArray[np.float32]
    hirescam: NDArray[np.float32]
    values: NDArray[np.float32]
    without_bias: NDArray[np.float32]
    agreement: NDArray[np.float64]


@dataclass(frozen=True)
class Averaged:
    """Maps of the recorded predicted class over a sample of the evaluated images.

    Attributes:
        layer: str ``()``.
        images: int64 ``()``, size of the sample.
        agreement: float64 ``()``, correlation of GradCAM with HiResCAM over the sample's cells.
        class_gradcam: float32 ``(classes, h, w)``, means over the images predicted as each class.
        class_hirescam: float32 ``(classes, h, w)``, likewise.
        class_without_bias: float32 ``(classes,)``, mean magnitude of the explained logits of these
            images, without the biases of the network's head.
        class_counts: int64 ``(classes,)``, number of those images.
        pairs: int64 ``(m, 2)``, true and predicted class of the most confused pairs.
        pair_gradcam: float32 ``(m, h, w)``, means over images from the whole split.
        pair_hirescam: float32 ``(m, h, w)``, likewise.
        pair_without_bias: float32 ``(m,)``, as for classes.
        pair_counts: int64 ``(m,)``, number of those images.
        right: float64 ``(r,)``, concentration of the sample's maps for correct predictions, by the
            first of the methods in ``leading(agreement)``.
        wrong: float64 ``(w,)``, likewise for incorrect predictions.
    """

    layer: NDArray[np.str_]
    images: NDArray[np.int64]
    agreement: NDArray[np.float64]
    class_gradcam: NDArray[np.float32]
    class_hirescam: NDArray[np.float32]
    class_without_bias: NDArray[np.float32]
    class_counts: NDArray[np.int64]
    pairs: NDArray[np.int64]
    pair_gradcam: NDArray[np.float32]
    pair_hirescam: NDArray[np.float32]
    pair_without_bias: NDArray[np.float32]
    pair_counts: NDArray[np.int64]
    right: NDArray[np.float64]
    wrong: NDArray[np.float64]


@dataclass(frozen=True)
class ReportMaps:
    """The maps that a report shows.

    Attributes:
        gallery: of the gallery's images, at each layer; empty without errors or a layer.
        averaged: over a sample, at the first layer; None if not requested, or without a layer.
    """

    gallery: Sequence[Explained]
    averaged: Averaged | None

    def agreement(self, layer: str) -> float:
        """Correlation of GradCAM with HiResCAM at a layer, over as many images as there are."""
        if self.averaged is not None and str(self.averaged.layer) == layer:
            return float(self.averaged.agreement)
        return next(float(e.agreement) for e in self.gallery if str(e.layer) == layer)

    def methods(self, layer: str) -> tuple[str, ...]:
        """The methods to show at a layer, the one to rely on first."""
        return leading(self.agreement(layer))


def explain_images(
    model: nn.Module,
    layer: str,
    images: Tensor,
    labels: NDArray[np.int64],
    predicted: NDArray[np.int64],
    sample_ids: NDArray[np.str_],
) -> Explained:
    """Maps of the predicted logit, the true logit and their difference.

    Args:
        model: in any mode; left unchanged.
        layer: name of a module whose output is a map.
        images: float32 ``(n, 3, height, width)``, normalised.
        labels: int64 ``(n,)``, true classes.
        predicted: int64 ``(n,)``, recorded predictions.
        sample_ids: str ``(n,)``.
    """
    classes = _classes(predicted, images)
    targets = [Targets.named(name, classes, _classes(labels, images)) for name in TARGETS]
    found = [class_activation_maps(model, layer, images, target) for target in targets]
    logits = found[0].logits
    biases = class_biases(model, logits.shape[1]).numpy()
    return Explained(
        sample_ids=sample_ids,
        predicted=predicted,
        layer=np.asarray(layer),
        gradcam=np.stack([each.gradcam for each in found], axis=1),
        hirescam=np.stack([each.hirescam for each in found], axis=1),
        values=np.stack([_values(target, logits) for target in targets], axis=1),
        without_bias=np.stack([_values(target, logits - biases) for target in targets], axis=1),
        agreement=np.asarray(agreement(found[0].gradcam, found[0].hirescam)),
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
    """Average maps over ``number`` images, drawn with a fixed seed, and over confused pairs.

    Args:
        model: in any mode; left unchanged.
        layer: name of a module whose output is a map.
        images_of: returns the images at rows int64 ``(k,)``, normalised, as float32
            ``(k, 3, height, width)``.
        labels: int64 ``(n,)``, true classes of all images of the split.
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
    rows = np.concatenate([sample, *of_pairs])
    images = images_of(rows)
    of_class = _classes(predicted[rows], images)
    targets = Targets.named("predicted", of_class, of_class)
    found = class_activation_maps(model, layer, images, targets)
    biases = class_biases(model, classes).numpy()
    explained = np.abs(_values(targets, found.logits - biases))
    of_sample = slice(len(sample))
    groups = np.concatenate(
        [np.full(len(sample), -1), *(np.full(len(r), n) for n, r in enumerate(of_pairs))]
    )
    agreed = agreement(found.gradcam[of_sample], found.hirescam[of_sample])
    class_gradcam, class_counts = mean_maps(found.gradcam[of_sample], predicted[sample], classes)
    pair_gradcam, pair_counts = mean_maps(found.gradcam, groups, len(pairs))
    spread = concentration(getattr(found, leading(agreed)[0])[of_sample])
    is_right = predicted[sample] == labels[sample]
    return Averaged(
        layer=np.asarray(layer),
        images=np.asarray(len(sample)),
        agreement=np.asarray(agreed),
        class_gradcam=class_gradcam,
        class_hirescam=mean_maps(found.hirescam[of_sample], predicted[sample], classes)[0],
        class_without_bias=_means(explained[of_sample], predicted[sample], classes),
        class_counts=class_counts,
        pairs=np.asarray([(p.label, p.predicted) for p in pairs], dtype=np.int64).reshape(-1, 2),
        pair_gradcam=pair_gradcam,
        pair_hirescam=mean_maps(found.hirescam, groups, len(pairs))[0],
        pair_without_bias=_means(explained, groups, len(pairs)),
        pair_counts=pair_counts,
        right=spread[is_right],
        wrong=spread[~is_right],
    )


def _classes(values: NDArray[np.int64], images: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(images.device)


def _values(targets: Targets, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The explained value of each row of logits, float32 ``(n,)``."""
    on_cpu = Targets(targets.first.cpu(), targets.second.cpu())
    values: NDArray[np.float32] = on_cpu.values(torch.from_numpy(logits)).numpy()
    return values


def _means(
    values: NDArray[np.float32], groups: NDArray[np.int64], number: int
) -> NDArray[np.float32]:
    """The mean of each group, float32 ``(number,)``; 0 for an empty group."""
    return mean_maps(values[:, None, None], groups, number)[0][:, 0, 0]
