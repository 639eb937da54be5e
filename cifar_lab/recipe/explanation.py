"""Answers of ``explain``: maps of chosen images, side by side."""

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
        rows: int64 ``(n,)``, of the test images.
        layers: names of modules.
        methods: of ``METHODS``.
        targets: of ``TARGETS``.
    """

    rows: NDArray[np.int64]
    layers: Sequence[str]
    methods: Sequence[str]
    targets: Sequence[str]

    def columns(self) -> list[tuple[str, str, str]]:
        """Every combination of method, layer and target that means something of its own."""
        return [
            (method, layer, target)
            for method in self.methods
            for layer in ([""] if method in WITHOUT_LAYER else self.layers)
            for target in self.targets
        ]


@dataclass(frozen=True)
class Answer:
    """What was found.

    Attributes:
        name: of the figure.
        png: the figure.
        arrays: by the name of a file: maps, the explained numbers, the classes that were explained
            (as in ``Targets``) and sample ids.
        lines: to print.
    """

    name: str
    png: bytes
    arrays: dict[str, dict[str, NDArray[Any]]]
    lines: list[str]


def rows_of(
    ids: Sequence[str], predictions: SplitPredictions, options: ReportOptions, seed: int
) -> tuple[NDArray[np.int64], list[str]]:
    """Rows of the named test images, and what is wrong with the names.

    Without names they are those of the report's gallery.
    """
    if not ids:
        errors = chosen_errors(
            predictions.logits, predictions.labels, options.misclassified, options.gallery, seed
        )
        problems = [] if errors else ["no test image is misclassified; name some with --ids"]
        return np.asarray([error.row for error in errors], dtype=np.int64), problems
    places = {str(name): row for row, name in enumerate(predictions.sample_ids)}
    problems = []
    for name in ids:
        if name not in places:
            hint = did_you_mean(name, places, quote="")
            problems.append(f"--ids {name}: no test image is called that{hint}")
    return np.asarray([places[i] for i in ids if i in places], dtype=np.int64), problems


def answer(
    question: Question,
    model: nn.Module,
    normalise: Normalise,
    test: ImageArrays,
    logits: NDArray[np.float32],
) -> Answer:
    """Explains, draws and words.

    Args:
        question: what to explain.
        model: with the weights of the reported checkpoint; left as it is.
        normalise: makes images what the model reads, in float32.
        test: the test images.
        logits: float32 ``(all, classes)``, recorded.
    """
    rows = question.rows
    images = normalise(torch.from_numpy(test.images[rows]))
    predicted = torch.from_numpy(logits[rows].argmax(axis=1)).to(images.device)
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
    """What each image is, and what it was taken for."""
    names = test.class_names
    labels = test.labels[rows].tolist()
    return [
        f"{names[label]}\n{'recognised' if label == taken else f'taken for {names[taken]}'}"
        for label, taken in zip(labels, predicted, strict=True)
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
    """What the maps add up to, and a warning where GradCAM hides what the head does."""
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
                "HiResCAM): what follows does not weigh all places of a channel alike; see "
                "--method hirescam"
            )
    return lines


def _slug(*parts: str) -> str:
    """A file's name without its ending; empty parts are left out."""
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", part) for part in parts if part)
