"""A run as its report reads it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.misclassified import Misclassified, chosen_errors
from cifar_lab.analysis.predictions import confusion, softmax
from cifar_lab.data.arrays import Dataset, ImageArrays
from cifar_lab.engine.hooks import Row
from cifar_lab.report.options import ReportOptions
from cifar_lab.run.files import read_json, read_text
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.records import read_metrics, read_predictions

if TYPE_CHECKING:
    from cifar_lab.data.batch_augment import AugmentationStack


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Everything that a report is drawn from but the maps.

    Attributes:
        title: the run's name and time.
        options: what to show.
        config: as plain values.
        config_text: as YAML.
        rows: of metrics.csv.
        summary: of summary.json.
        provenance: of provenance.json.
        model_table: of model.txt.
        logits: float32 ``(n, classes)``, of predictions.npz.
        dataset: images and splits.
        stack: the augmentation; None for none.
        planned: learning rate of each step.
        steps_per_epoch: converts steps to epochs.
        layers: that GradCAM explains; none where none gives a map.
        trust: of attributions/trust.json; None where that was not asked for.
        found: of lr_finder.json; None where the learning rate was given.
    """

    title: str
    options: ReportOptions
    config: dict[str, Any]
    config_text: str
    rows: Sequence[Row]
    summary: dict[str, Any]
    provenance: dict[str, Any]
    model_table: str
    logits: NDArray[np.float32]
    dataset: Dataset
    stack: AugmentationStack | None
    planned: Sequence[float]
    steps_per_epoch: int
    layers: tuple[str, ...]
    trust: dict[str, Any] | None
    found: dict[str, Any] | None

    @property
    def test(self) -> ImageArrays:
        return self.dataset.source.test

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.dataset.class_names

    @functools.cached_property
    def predicted(self) -> NDArray[np.int64]:
        """int64 ``(n,)``."""
        return self.logits.argmax(axis=1)

    @functools.cached_property
    def right(self) -> NDArray[np.bool_]:
        """Bool ``(n,)``."""
        return self.predicted == self.test.labels

    @functools.cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Softmax probability of the predicted class, float64 ``(n,)``."""
        return softmax(self.logits).max(axis=1)

    @functools.cached_property
    def matrix(self) -> NDArray[np.int64]:
        """Confusion matrix, int64 ``(classes, classes)``."""
        return confusion(self.test.labels, self.predicted, len(self.class_names))

    @functools.cached_property
    def errors(self) -> list[Misclassified]:
        """The misclassified images to show."""
        options = self.options
        return chosen_errors(
            self.logits,
            self.test.labels,
            options.misclassified,
            options.gallery,
            self.config["seed"],
        )


def read_run(
    folder: RunFolder,
    options: ReportOptions,
    *,
    config: dict[str, Any],
    dataset: Dataset,
    stack: AugmentationStack | None,
    planned: Sequence[float],
    steps_per_epoch: int,
    layers: tuple[str, ...],
) -> Reading:
    """Reads a finished run's folder; the rest is as :class:`Reading` has it.

    Raises:
        Refusal: a file is missing or damaged.
    """
    summary = read_json(folder.summary)
    return Reading(
        title=f"{summary['name']} {'/'.join(folder.path.parts[-2:])}",
        options=options,
        config=config,
        config_text=read_text(folder.config).rstrip(),
        rows=read_metrics(folder.metrics),
        summary=summary,
        provenance=read_json(folder.provenance),
        model_table=read_text(folder.model_table).rstrip(),
        logits=read_predictions(folder.predictions).logits,
        dataset=dataset,
        stack=stack,
        planned=planned,
        steps_per_epoch=steps_per_epoch,
        layers=layers,
        trust=read_json(folder.trust) if folder.trust.is_file() else None,
        found=read_json(folder.lr_finder) if folder.lr_finder.is_file() else None,
    )
