"""summary.json: the result of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from cifar_lab.analysis.choice import RULE
from cifar_lab.analysis.intervals import Interval
from cifar_lab.analysis.predictions import class_results, confusion, correct, predicted_classes
from cifar_lab.bounds import Count, NonNegativeFloat, UnitInterval
from cifar_lab.run.files import Measured

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.engine.metrics import LossAndAccuracy


@dataclass(frozen=True)
class Evaluated:
    """Loss and accuracy over images.

    Attributes:
        loss: mean over images, in nats.
        accuracy: share of images that are classified correctly, 0 to 1.
        count: number of images.
    """

    loss: Measured
    accuracy: UnitInterval
    count: Count


@dataclass(frozen=True)
class TestResult:
    """The result on the test images.

    Attributes:
        accuracy: share of images that are classified correctly, 0 to 1.
        loss: mean over images, in nats.
        count: number of images.
        wrong: number of misclassified images.
    """

    accuracy: UnitInterval
    loss: Measured
    count: Count
    wrong: Count

    __test__ = False  # pytest would collect a class with this name


@dataclass(frozen=True)
class WithoutCopies:
    """The result on the test images that are not exact copies of images trained on.

    Attributes:
        accuracy: share of these images that are classified correctly, 0 to 1.
        count: number of these images.
        copies: number of test images that are left out.
    """

    accuracy: float
    count: int
    copies: int


@dataclass(frozen=True)
class ValidationResult:
    """Accuracy (0 to 1) and loss (nats) of the reported epoch on the validation images."""

    accuracy: UnitInterval
    loss: Measured


def _at_most_all(result: TestResult) -> TestResult:
    """Refuses a file with more misclassified images than images; for values that are read."""
    if result.wrong > result.count:
        raise ValueError(f"{result.wrong} of {result.count} images cannot be misclassified")
    return result


@dataclass(frozen=True)
class ClassSummary:
    """Results of one class on the test images.

    Attributes:
        name: of the class.
        count: number of its images.
        precision: share of the images predicted as this class that belong to it; None if none was
            (older versions wrote 0).
        recall: share of its images that are predicted as this class; None without images, likewise.
        f1: harmonic mean of precision and recall; None if no image belongs to the class or is
            predicted as it, likewise.
    """

    name: Annotated[str, Field(alias="class")]
    count: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Work:
    """Machine work of a run.

    Attributes:
        seconds: of training and final evaluation.
        matmul_flops_per_second: mean rate of large bfloat16 matrix products.
        measurements: all measurements of this rate.
        tflop: seconds times the rate, in 10¹² operations.
    """

    seconds: float
    matmul_flops_per_second: float
    measurements: tuple[float, ...]
    tflop: float


@dataclass(frozen=True)
class Summary:
    """The result of a run, as shown by reports and the ledger.

    Attributes:
        name: of the experiment.
        dataset: the data set's type.
        model: the model as a call.
        parameters: number of parameters, trained and frozen.
        multiply_adds: of one forward pass for one image.
        epochs_planned: length of the whole run, limits not counted.
        epochs_trained: completed epochs.
        stopped: why training ended early; None if it did not.
        reported_epoch: epoch of the checkpoint to which all results refer.
        reported_because: why that epoch was chosen.
        validation: of the reported epoch; None without validation images.
        test: on the test images.
        test_without_flips: likewise, if ``test`` is with test-time flip averaging; else None.
        test_without_copies: without exact copies of images trained on; None if there are none, and
            in older runs.
        per_class: in the order of the labels.
        final: the last row of metrics.csv.
        training_seconds: of all epochs, including their evaluation.
        evaluation_seconds: of the last evaluation; None in older runs.
        work: None if it was not measured.
        eager_because: why steps that should have been replayed from a CUDA graph ran eagerly; None
            if nothing failed.
    """

    name: str
    dataset: str
    model: str
    parameters: Count
    multiply_adds: Count
    epochs_planned: Count
    epochs_trained: Count
    stopped: str | None
    reported_epoch: Count
    reported_because: str
    validation: ValidationResult | None
    test: Annotated[TestResult, AfterValidator(_at_most_all)]
    test_without_flips: Evaluated | None
    test_without_copies: WithoutCopies | None
    per_class: tuple[ClassSummary, ...]
    final: dict[str, int | Measured]
    training_seconds: NonNegativeFloat
    evaluation_seconds: NonNegativeFloat | None
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
    copies: NDArray[np.bool_],
    evaluation_seconds: float,
    work: Work | None,
    eager_because: str | None,
) -> Summary:
    """Summarises a run that has ended.

    Args:
        name, dataset, model, parameters, multiply_adds: as in :class:`Summary`.
        rows: all rows of metrics.csv.
        validated: whether the best epoch was chosen by validation images.
        epochs_planned, stopped, reported_epoch: as in :class:`Summary`.
        logits: float32 ``(n, classes)``, of the test images.
        labels: int64 ``(n,)``.
        class_names: in the order of the labels.
        test: loss and accuracy on the test images.
        test_without_flips: likewise, if ``test`` is with test-time flip averaging; else None.
        copies: bool ``(n,)``, which test images are exact copies of images trained on.
        evaluation_seconds, work, eager_because: as in :class:`Summary`.
    """
    reported = rows[reported_epoch - 1]
    right = correct(logits, labels)
    wrong = int((~right).sum())
    matrix = confusion(labels, predicted_classes(logits), len(class_names))
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
        reported_because=RULE
        if validated
        else "the last one, as there is no validation split"
        if reported_epoch == len(rows)
        else "the last one in which all was finite, as there is no validation split",
        validation=ValidationResult(reported["val_accuracy"], reported["val_loss"])
        if validated
        else None,
        test=TestResult(test.accuracy, test.loss, test.count, wrong),
        test_without_flips=None
        if test_without_flips is None
        else Evaluated(
            test_without_flips.loss, test_without_flips.accuracy, test_without_flips.count
        ),
        test_without_copies=_without_copies(right, copies),
        per_class=tuple(
            ClassSummary(
                each.name, each.count, _share(each.precision), _share(each.recall), each.f1
            )
            for each in class_results(matrix, class_names)
        ),
        final=rows[-1],
        training_seconds=sum(row["epoch_seconds"] for row in rows),
        evaluation_seconds=evaluation_seconds,
        work=work,
        eager_because=eager_because,
    )


def _without_copies(right: NDArray[np.bool_], copies: NDArray[np.bool_]) -> WithoutCopies | None:
    """The result without copies; None if there are none, or nothing else."""
    if not copies.any() or copies.all():
        return None
    apart = right[~copies]
    return WithoutCopies(float(apart.mean()), len(apart), int(copies.sum()))


def _share(found: Interval | None) -> float | None:
    return None if found is None else found.share
