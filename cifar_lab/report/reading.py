"""A run as its report reads it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.misclassified import Misclassified, chosen_errors
from cifar_lab.analysis.predictions import confusion, correct, predicted_classes, softmax
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.duplicates import Copy, copies
from cifar_lab.data.held_out import HeldOut, held_out
from cifar_lab.data.near_duplicates import NearDuplicates
from cifar_lab.report.options import ReportOptions
from cifar_lab.run.older import last_step
from cifar_lab.run.record import Run

if TYPE_CHECKING:
    from cifar_lab.data.loaders import TrainLoader


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Everything that a report is drawn from, except the attribution maps.

    Attributes:
        run: contents of the run's folder.
        options: what to show.
        dataset: images and splits.
        loader: of the training images, with the run's augmentation and mixing.
        planned: learning rate of each step of the run.
        first_step: number of the first of them: not 0 if the run extends another one.
        near_duplicates: of the data set's images; None if they could not be looked for.
        steps_per_epoch: converts steps to epochs.
        layers: layers that the maps explain; empty if no layer gives a map.
    """

    run: Run
    options: ReportOptions
    dataset: Dataset
    loader: TrainLoader
    planned: Sequence[float]
    steps_per_epoch: int
    layers: tuple[str, ...]
    first_step: int = 0
    near_duplicates: NearDuplicates | None = None

    @property
    def title(self) -> str:
        """The run's name and time."""
        return f"{self.run.summary.name} {'/'.join(self.run.folder.path.parts[-2:])}"

    @functools.cached_property
    def evaluated(self) -> HeldOut:
        """The images that the results are of: the test images, unless these stay closed."""
        return held_out(self.dataset, self.run.summary.evaluated)

    @property
    def logits(self) -> NDArray[np.float32]:
        """Logits of these images, float32 ``(n, classes)``."""
        return self.run.evaluated.logits

    @functools.cached_property
    def copies(self) -> list[tuple[Copy, ...]]:
        """Groups of images with identical pixels, within and across the splits."""
        return copies(self.dataset)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.dataset.class_names

    @functools.cached_property
    def ends(self) -> list[float]:
        """Where each trained epoch ended, in epochs of the schedule, one per row of metrics.csv.

        An epoch that was cut short ends at its last update, before the next whole number.
        """
        steps, trainer = self.steps_per_epoch, self.run.config["trainer"]
        return [
            (row["step"] if "step" in row else last_step(int(row["epoch"]), trainer, steps)) / steps
            for row in self.run.metrics
        ]

    @functools.cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted class of each of these images, int64 ``(n,)``."""
        return predicted_classes(self.logits)

    @functools.cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is correct, bool ``(n,)``."""
        return correct(self.logits, self.evaluated.labels)

    @functools.cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Softmax probability of the predicted class, float64 ``(n,)``."""
        return softmax(self.logits).max(axis=1)

    @functools.cached_property
    def matrix(self) -> NDArray[np.int64]:
        """Confusion matrix, int64 ``(classes, classes)``."""
        return confusion(self.evaluated.labels, self.predicted, len(self.class_names))

    @functools.cached_property
    def errors(self) -> list[Misclassified]:
        """The misclassified images to show."""
        options = self.options
        return chosen_errors(
            self.logits,
            self.evaluated.labels,
            options.misclassified,
            options.gallery,
            self.run.config["seed"],
        )
