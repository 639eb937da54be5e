"""Computes the answers of ``explain``: maps of chosen images, side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.misclassified import chosen_errors
from cifar_lab.analysis.predictions import predicted_classes
from cifar_lab.data.arrays import ImageArrays
from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.attribution import (
    FAITHFUL,
    LAYER_METHODS,
    WITHOUT_LAYER,
    agreement,
    attribute,
)
from cifar_lab.explain.targets import Targets, predict
from cifar_lab.refusal import did_you_mean
from cifar_lab.report.figures.images import attributions
from cifar_lab.report.options import ReportOptions
from cifar_lab.run.predictions import SplitPredictions


@dataclass(frozen=True)
class Question:
    """What to explain.

    Attributes:
        rows: int64 ``(n,)``, rows of the test images.
        layers: module names.
        methods: names from ``METHODS``.
        targets: names from ``TARGETS``.
    """

    rows: NDArray[np.int64]
    layers: Sequence[str]
    methods: Sequence[str]
    targets: Sequence[str]

    def columns(self) -> list[tuple[str, str, str]]:
        """Return every distinct combination of method, layer and target."""
        return [
            (method, layer, target)
            for method in self.methods
            for layer in ([""] if method in WITHOUT_LAYER else self.layers)
            for target in self.targets
        ]


@dataclass(frozen=True)
class Answer:
    """The maps and their description.

    Attributes:
        name: the figure's name.
        png: the figure.
        arrays: by file name: the maps, the values they explain, the classes they explain (as in
            ``Targets``) and the sample ids.
        lines: text to print.
    """

    name: str
    png: bytes
    arrays: dict[str, dict[str, NDArray[Any]]]
    lines: list[str]


def rows_of(
    ids: Sequence[str], predictions: SplitPredictions, options: ReportOptions, seed: int
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the rows of the named test images, and the problems of the names.

    Without names, return the rows of the report's gallery.
    """
    if not ids:
        errors = chosen_errors(
            predictions.logits, predictions.labels, options.misclassified, options.gallery, seed
        )
        problems = [] if errors else ["no test image is misclassified; choose images with --ids"]
        return np.asarray([error.row for error in errors], dtype=np.int64), problems
    places = {str(name): row for row, name in enumerate(predictions.sample_ids)}
    problems = []
    for name in ids:
        if name not in places:
            hint = did_you_mean(name, places, quote="")
            problems.append(f"--ids {name}: no test image has this sample id{hint}")
    return np.asarray([places[i] for i in ids if i in places], dtype=np.int64), problems


def answer(
    question: Question,
    model: nn.Module,
    normalise: Normalise,
    test: ImageArrays,
    logits: NDArray[np.float32],
) -> Answer:
    """Compute, draw and describe the maps.

    Args:
        question: what to explain.
        model: has the weights of the reported checkpoint; is not changed.
        normalise: turns images into float32 model input.
        test: the test images.
        logits: float32 ``(test images, classes)``, as recorded.
    """
    rows = question.rows
    images = normalise(torch.from_numpy(test.images[rows]))
    predicted = torch.from_numpy(predicted_classes(logits[rows])).to(images.device)
    labels = torch.from_numpy(test.labels[rows]).to(images.device)
    again = predict(model, images)
    maps, titles, arrays, lines = [], [], {}, []
    for method, layer, name in question.columns():
        targets = Targets.named(name, predicted, labels)  # type: ignore[arg-type]
        values = targets.values(again).cpu().numpy()
        found = attribute(model, method, layer, images, targets)
        maps.append(found)
        where = f"{method}, {layer}" if layer else method
        titles.append([f"{where}\n{name} {value:.2f}" for value in values])
        arrays[_slug(method, layer, name)] = {
            "maps": found,
            "values": values,
            "first": targets.first.cpu().numpy(),
            "second": targets.second.cpu().numpy(),
            "sample_ids": test.sample_ids[rows],
        }
        lines += _completeness(model, method, layer, name, images, targets, found, values)
    heads = _heads(test, rows, predicted.tolist())
    png = attributions(
        test.images[rows],
        list(zip(*maps, strict=True)),
        heads,
        list(zip(*titles, strict=True)),
    )
    listed = [
        f"{test.sample_ids[row]}: {head}".replace("\n", " ")
        for row, head in zip(rows, heads, strict=True)
    ]
    name = _slug("explain", *question.methods, *question.layers, *question.targets)
    return Answer(name, png, arrays, [*listed, *lines])


def _heads(test: ImageArrays, rows: NDArray[np.int64], predicted: Sequence[int]) -> list[str]:
    """Return each image's class and prediction, as a heading."""
    names = test.class_names
    labels = test.labels[rows].tolist()
    return [
        f"{names[label]}\n{'correct' if label == guess else f'predicted as {names[guess]}'}"
        for label, guess in zip(labels, predicted, strict=True)
    ]


def _completeness(
    model: nn.Module,
    method: str,
    layer: str,
    target: str,
    images: Tensor,
    targets: Targets,
    maps: NDArray[np.float32],
    values: NDArray[np.float32],
) -> list[str]:
    """Return what the maps add up to, and a warning if GradCAM is unfaithful to the head."""
    if method not in LAYER_METHODS:
        return []
    sums = maps.sum(axis=(1, 2))
    pairs = ", ".join(f"{s:.2f} of {v:.2f}" for s, v in zip(sums[:5], values[:5], strict=True))
    lines = [f"{method} at {layer}, {target}: maps add up to {pairs}"]
    if method == "gradcam":
        found = agreement(model, layer, images, targets, maps)
        if found < FAITHFUL:
            lines.append(
                f"warning: at {layer} GradCAM is unfaithful (correlation {found:.2f} with "
                "HiResCAM): the layers after it do not weight all locations of a channel equally; "
                "try --method hirescam"
            )
    return lines


def _slug(*parts: str) -> str:
    """Join the non-empty parts into a file name without its extension."""
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", part) for part in parts if part)
