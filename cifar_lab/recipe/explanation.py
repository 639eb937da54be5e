"""Computes the answers of ``explain``: maps of chosen images, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.analysis.misclassified import chosen_errors
from cifar_lab.analysis.predictions import predicted_classes
from cifar_lab.data.held_out import HeldOut
from cifar_lab.data.normalise import Normalise
from cifar_lab.explain.attribution import LAYER_METHODS, NAMES, UNITS, WITHOUT_LAYER, attribute
from cifar_lab.explain.cams import FAITHFUL, agreement, class_activation_maps
from cifar_lab.explain.strength import strengths
from cifar_lab.explain.targets import Targets, class_biases, predict
from cifar_lab.refusal import did_you_mean
from cifar_lab.report.figures.attribution import Scaled, Series, attributions
from cifar_lab.report.options import ReportOptions
from cifar_lab.report.sections.maps import COLOURS, SHADED, scales
from cifar_lab.run.drawn import DrawnFigure
from cifar_lab.run.folder import file_name
from cifar_lab.wording import plural, several


@dataclass(frozen=True)
class Question:
    """What to explain.

    Attributes:
        rows: int64 ``(n,)``, rows of the split that was evaluated.
        layers: module names.
        methods: names from ``METHODS``.
        targets: names from ``TARGETS``.
        command: which asks it.
    """

    rows: NDArray[np.int64]
    layers: Sequence[str]
    methods: Sequence[str]
    targets: Sequence[str]
    command: str

    @property
    def name(self) -> str:
        """Name of its figure, the same for any images."""
        return file_name("explain", *self.methods, *self.layers, *self.targets)

    def groups(self) -> list[tuple[str, str]]:
        """Every distinct combination of method and layer, which is empty without one."""
        layered = [m for m in self.methods if m not in WITHOUT_LAYER]
        without = [m for m in self.methods if m in WITHOUT_LAYER]
        found = [(method, layer) for layer in self.layers for method in layered]
        return list(dict.fromkeys([*found, *((method, "") for method in without)]))


@dataclass(frozen=True)
class Answer:
    """The maps and their description.

    Attributes:
        figures: what they are called and show, and the figures themselves.
        arrays: by file name: the maps, the values they explain, the classes they explain (as in
            ``Targets``) and the sample ids.
        lines: text to print.
    """

    figures: Sequence[tuple[DrawnFigure, bytes]]
    arrays: dict[str, dict[str, NDArray[Any]]]
    lines: list[str]


def rows_of(
    ids: Sequence[str],
    split: HeldOut,
    logits: NDArray[np.float32],
    options: ReportOptions,
    seed: int,
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the rows of the named images of a split, and the problems of the names.

    Without names, return the rows of the report's gallery.
    """
    image = f"no {split.name} image"
    if not ids:
        errors = chosen_errors(logits, split.labels, options.misclassified, options.gallery, seed)
        problems = [] if errors else [f"{image} is misclassified; choose images with --ids"]
        return np.asarray([error.row for error in errors], dtype=np.int64), problems
    places = {str(name): row for row, name in enumerate(split.sample_ids)}
    problems = []
    for name in ids:
        if name not in places:
            hint = did_you_mean(name, places, quote="")
            problems.append(f"--ids {name}: {image} has this sample id{hint}")
    return np.asarray([places[i] for i in ids if i in places], dtype=np.int64), problems


def answer(
    question: Question,
    model: nn.Module,
    normalise: Normalise,
    split: HeldOut,
    logits: NDArray[np.float32],
) -> Answer:
    """Compute, draw and describe the maps.

    Args:
        question: what to explain.
        model: has the weights of the reported checkpoint; is not changed.
        normalise: turns images into float32 model input.
        split: the images that were evaluated.
        logits: float32 ``(len(split), classes)``, as recorded.
    """
    rows = question.rows
    images = normalise(torch.from_numpy(split.images(rows)))
    asked = _Asked(
        model=model,
        images=images,
        logits=predict(model, images),
        predicted=predicted_classes(logits[rows]),
        labels=split.labels[rows],
        sample_ids=split.sample_ids[rows],
    )
    groups, names, arrays, lines = [], [], {}, []
    for method, layer in question.groups():
        series = []
        for target in dict.fromkeys(question.targets):
            found = asked.explained(method, layer, target)
            series.append(found.series())
            arrays[file_name(method, layer, target)] = found.arrays(asked.sample_ids)
            lines += found.completeness()
        groups.append(Scaled(UNITS[method], series))
        names.append(NAMES[method] + f" at {layer}" * bool(layer))
    heads = _heads(split, rows, asked.predicted.tolist())
    drawn = attributions(split.images(rows), groups, heads)
    listed = [
        f"{split.sample_ids[row]}: {head}".replace("\n", " ")
        for row, head in zip(rows, heads, strict=True)
    ]
    told = scales(list(zip(names, groups, strict=True)))
    return Answer(_figures(question, drawn, told), arrays, [*listed, *lines])


@dataclass(frozen=True)
class _Explained:
    """Maps of one method, layer and target.

    Attributes:
        method, layer, target: what they are.
        targets: the explained classes.
        maps: float32 ``(n, h, w)``.
        exact: HiResCAM's maps, if these are GradCAM's, alone or as a factor; else None.
        gradcam: GradCAM's maps, likewise.
        values: float32 ``(n,)``, the explained values.
        without_bias: float32 ``(n,)``, the same without the biases of the head.
    """

    method: str
    layer: str
    target: str
    targets: Targets
    maps: NDArray[np.float32]
    exact: NDArray[np.float32] | None
    gradcam: NDArray[np.float32] | None
    values: NDArray[np.float32]
    without_bias: NDArray[np.float32]

    def series(self) -> Series:
        """The maps with titles, and the reason why some have no colours."""
        # A guided map is a product with GradCAM: it is as strong as that factor.
        measured = self.maps if self.gradcam is None else self.gradcam
        notes = [found.note for found in strengths(measured, self.without_bias, self.exact)]
        where = "\n".join(part for part in (NAMES[self.method], self.layer) if part)
        return Series(self.maps, [f"{where}\n{self.target}: {v:.2f}" for v in self.values], notes)

    def arrays(self, sample_ids: NDArray[np.str_]) -> dict[str, NDArray[Any]]:
        """What is saved."""
        return {
            "maps": self.maps,
            "values": self.values,
            "first": self.targets.first.cpu().numpy(),
            "second": self.targets.second.cpu().numpy(),
            "sample_ids": sample_ids,
        }

    def completeness(self) -> list[str]:
        """What the maps add up to, and a warning if GradCAM is unfaithful to the head."""
        if self.method not in LAYER_METHODS:
            return []
        sums = self.maps.sum(axis=(1, 2))
        pairs = zip(sums[:5], self.without_bias[:5], strict=True)
        told = ", ".join(f"{s:.2f} (logit − bias: {v:.2f})" for s, v in pairs)
        lines = [f"{self.method} at {self.layer}, {self.target}: maps add up to {told}"]
        if self.method == "gradcam" and self.exact is not None:
            found = agreement(self.maps, self.exact)
            if found < FAITHFUL:
                lines.append(
                    f"warning: at {self.layer} GradCAM is unfaithful (correlation {found:.2f} with "
                    "HiResCAM): the layers after it do not weight all locations of a channel "
                    "equally; rely on --method hirescam"
                )
        return lines


@dataclass(frozen=True)
class _Asked:
    """The images to explain.

    Attributes:
        model: the network.
        images: float32 ``(n, 3, height, width)``, normalised.
        logits: float32 ``(n, classes)``, which the maps explain.
        predicted: int64 ``(n,)``, recorded predictions.
        labels: int64 ``(n,)``, true classes.
        sample_ids: str ``(n,)``.
    """

    model: nn.Module
    images: Tensor
    logits: Tensor
    predicted: NDArray[np.int64]
    labels: NDArray[np.int64]
    sample_ids: NDArray[np.str_]

    def explained(self, method: str, layer: str, target: str) -> _Explained:
        """Compute the maps of one method, layer and target."""
        device = self.images.device
        classes = [torch.from_numpy(c).to(device) for c in (self.predicted, self.labels)]
        targets = Targets.named(target, *classes)  # type: ignore[arg-type]
        uses_gradcam = method in ("gradcam", "guided_gradcam")
        both = (
            class_activation_maps(self.model, layer, self.images, targets) if uses_gradcam else None
        )
        if method == "gradcam" and both is not None:
            maps = both.gradcam
        else:
            maps = attribute(self.model, method, layer, self.images, targets)
        biases = class_biases(self.model, self.logits.shape[1]).to(device)
        return _Explained(
            method=method,
            layer=layer,
            target=target,
            targets=targets,
            maps=maps,
            exact=None if both is None else both.hirescam,
            gradcam=None if both is None else both.gradcam,
            values=targets.values(self.logits).cpu().numpy(),
            without_bias=targets.values(self.logits - biases).cpu().numpy(),
        )


def _figures(
    question: Question, drawn: Sequence[bytes], scales: str
) -> list[tuple[DrawnFigure, bytes]]:
    methods = several([NAMES[method] for method in question.methods])
    layered = [m for m in question.methods if m not in WITHOUT_LAYER]
    at = f" at {several(list(question.layers))}" if layered else ""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    figures = []
    for part, png in enumerate(drawn, start=1):
        number = f" Part {part} of {len(drawn)}." if len(drawn) > 1 else ""
        caption = (
            f"{methods}{at} for {plural(len(question.rows), 'image', 'images')}, for the targets "
            f"{several(list(question.targets))} (predictions as recorded; the difference is "
            "predicted − true). The numbers are the explained logits, computed in float32 without "
            f"flips. {scales} {COLOURS} {SHADED}{number}"
        )
        name = question.name if part == 1 else f"{question.name}-{part}"
        figure = DrawnFigure(name, question.name, caption, question.command, now)
        figures.append((figure, png))
    return figures


def _heads(split: HeldOut, rows: NDArray[np.int64], predicted: Sequence[int]) -> list[str]:
    """Return each image's class and prediction, as a heading."""
    names = split.class_names
    labels = split.labels[rows].tolist()
    return [
        f"{names[label]}\n{'correct' if label == guess else f'predicted as {names[guess]}'}"
        for label, guess in zip(labels, predicted, strict=True)
    ]
