"""summary.json: the result of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cifar_lab.analysis.predictions import class_results, confusion
from cifar_lab.run.files import Measured

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.engine.metrics import LossAndAccuracy


@dataclass(frozen=True)
class Evaluated:
    """Loss and accuracy over images.

    Attributes:
        loss: mean over images, in nats.
        accuracy: share of images that are recognised, 0 to 1.
        count: images.
    """

    loss: Measured
    accuracy: float
    count: int


@dataclass(frozen=True)
class TestResult:
    """The result on the test images.

    Attributes:
        accuracy: share of images that are recognised, 0 to 1.
        loss: mean over images, in nats.
        count: images.
        wrong: images that are not recognised.
    """

    accuracy: float
    loss: Measured
    count: int
    wrong: int

    __test__ = False  # pytest takes classes of such names for tests


@dataclass(frozen=True)
class ValidationResult:
    """The reported epoch's accuracy, 0 to 1, and loss in nats on the validation images."""

    accuracy: float
    loss: Measured


@dataclass(frozen=True)
class ClassSummary:
    """One class's test images.

    Attributes:
        name: of the class.
        count: of its images.
        precision: of the images taken for it, the share that are of it; 0 where none was taken.
        recall: of its images, the share taken for it.
        f1: harmonic mean of both.
    """

    name: Annotated[str, Field(alias="class")]
    count: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Work:
    """How much machine work a run took.

    Attributes:
        seconds: of training and final evaluation.
        matmul_flops_per_second: of large bfloat16 products, the mean of all measurements.
        measurements: each of them.
        tflop: seconds times the rate, in 10¹² operations.
    """

    seconds: float
    matmul_flops_per_second: float
    measurements: tuple[float, ...]
    tflop: float


@dataclass(frozen=True)
class Summary:
    """The record that reports, ledgers and leaderboards read.

    Attributes:
        name: of the experiment.
        dataset: the data set's type.
        model: the model as it would be called.
        parameters: of the model, trained and frozen.
        multiply_adds: of one forward pass over one image.
        epochs_planned: length of the unshortened run.
        epochs_trained: whole epochs.
        stopped: why training ended early; None where it did not.
        reported_epoch: of the checkpoint that everything here is of.
        reported_because: why that one.
        validation: of the reported epoch; None without validation images.
        test: on the test images.
        test_without_flips: likewise, where ``test`` averages each image with its mirror image.
        per_class: in the order of the labels.
        final: the last row of metrics.csv.
        training_seconds: of all epochs, their evaluation included.
        evaluation_seconds: of the last evaluation; None in older runs.
        work: None where it was not measured.
        eager_because: why steps that were to be replayed from a CUDA graph ran as written; None
            where nothing failed.
    """

    name: str
    dataset: str
    model: str
    parameters: int
    multiply_adds: int
    epochs_planned: int
    epochs_trained: int
    stopped: str | None
    reported_epoch: int
    reported_because: str
    validation: ValidationResult | None
    test: TestResult
    test_without_flips: Evaluated | None
    per_class: tuple[ClassSummary, ...]
    final: dict[str, Measured]
    training_seconds: float
    evaluation_seconds: float | None
    work: Work | None
    eager_because: str | None


def summarised(
    *,
    name: str,
    dataset: str,
    model: str,
    parameters: int,
    multiply_adds: int,
    rows: Sequence[Row],
    validated: bool,
    epochs_planned: int,
    stopped: str | None,
    reported_epoch: int,
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    test: LossAndAccuracy,
    test_without_flips: LossAndAccuracy | None,
    evaluation_seconds: float,
    work: Work | None,
    eager_because: str | None,
) -> Summary:
    """The summary of a run that has ended; what is not said here is as :class:`Summary` has it.

    Args:
        name, dataset, model, parameters, multiply_adds: as there.
        rows: of metrics.csv, all epochs.
        validated: whether there were validation images to choose the best epoch by.
        epochs_planned, stopped, reported_epoch: as there.
        logits: float32 ``(n, classes)``, of the test images.
        labels: int64 ``(n,)``.
        class_names: in the order of the labels.
        test: loss and accuracy on the test images.
        test_without_flips: likewise, where ``test`` averages each image with its mirror image.
        evaluation_seconds, work, eager_because: as there.
    """
    reported = rows[reported_epoch - 1]
    predicted = logits.argmax(axis=1)
    matrix = confusion(labels, predicted, len(class_names))
    return Summary(
        name=name,
        dataset=dataset,
        model=model,
        parameters=parameters,
        multiply_adds=multiply_adds,
        epochs_planned=epochs_planned,
        epochs_trained=len(rows),
        stopped=stopped,
        reported_epoch=reported_epoch,
        reported_because="the best by validation accuracy"
        if validated
        else "the last one, as there is no validation split",
        validation=ValidationResult(reported["val_accuracy"], reported["val_loss"])
        if validated
        else None,
        test=TestResult(test.accuracy, test.loss, test.count, int((predicted != labels).sum())),
        test_without_flips=None
        if test_without_flips is None
        else Evaluated(
            test_without_flips.loss, test_without_flips.accuracy, test_without_flips.count
        ),
        per_class=tuple(
            ClassSummary(each.name, each.count, each.precision.share, each.recall.share, each.f1)
            for each in class_results(matrix, class_names)
        ),
        final=rows[-1],
        training_seconds=sum(row["epoch_seconds"] for row in rows),
        evaluation_seconds=evaluation_seconds,
        work=work,
        eager_because=eager_because,
    )
