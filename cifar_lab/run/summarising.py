"""Makes the summary of a run from what it measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.choice import RULE
from cifar_lab.analysis.intervals import Interval
from cifar_lab.analysis.predictions import class_results, confusion, correct, predicted_classes
from cifar_lab.run.predictions import SplitPredictions
from cifar_lab.run.summary import (
    ClassSummary,
    Evaluated,
    Result,
    Summary,
    ValidationResult,
    WithoutCopies,
    Work,
)

if TYPE_CHECKING:
    from cifar_lab.engine.hooks import Row
    from cifar_lab.engine.metrics import LossAndAccuracy


@dataclass(frozen=True)
class TestSet:
    """What the model makes of the test images.

    Attributes:
        predictions: for each image.
        metrics: loss and accuracy.
        without_flips: likewise, if ``metrics`` is with test-time flip averaging; else None.
        copies: bool ``(n,)``, which of them are exact copies of images trained on.
    """

    predictions: SplitPredictions
    metrics: LossAndAccuracy
    without_flips: LossAndAccuracy | None
    copies: NDArray[np.bool_]

    __test__ = False  # pytest would collect a class with this name


def summarised(
    *,
    name: str,
    dataset: str,
    model: str,
    parameters: int,
    multiply_adds: int,
    rows: Sequence[Row],
    epochs_planned: int,
    stopped: str | None,
    reported_epoch: int,
    class_names: tuple[str, ...],
    validation: SplitPredictions | None,
    test: TestSet | None,
    evaluation_seconds: float,
    work: Work | None,
    eager_because: str | None,
) -> Summary:
    """Summarises a run that has ended.

    Args:
        name, dataset, model, parameters, multiply_adds: as in :class:`Summary`.
        rows: all rows of metrics.csv.
        epochs_planned, stopped, reported_epoch: as in :class:`Summary`.
        class_names: in the order of the labels.
        validation: predictions of the reported epoch; None without validation images, which then
            did not choose that epoch.
        test: what the model makes of the test images; None if the test set stays closed.
        evaluation_seconds, work, eager_because: as in :class:`Summary`.
    """
    reported = next(row for row in rows if row["epoch"] == reported_epoch)
    last_epoch = int(rows[-1]["epoch"])
    if test is not None:
        evaluated = _of_test(test, class_names)
    else:
        assert validation is not None, "a run with neither is refused"
        evaluated = _of_validation(validation, class_names)
    return Summary(
        name=name,
        dataset=dataset,
        model=model,
        parameters=parameters,
        multiply_adds=multiply_adds,
        epochs_planned=epochs_planned,
        epochs_trained=last_epoch,
        stopped=stopped,
        reported_epoch=reported_epoch,
        reported_because=RULE
        if validation is not None
        else "the last one, as there is no validation split"
        if reported_epoch == last_epoch
        else "the last one in which all was finite, as there is no validation split",
        validation=None
        if validation is None
        else ValidationResult(
            reported["val_accuracy"],
            reported["val_loss"],
            len(validation.labels),
            int((~_right(validation)).sum()),
        ),
        final=rows[-1],
        training_seconds=sum(row["epoch_seconds"] for row in rows),
        evaluation_seconds=evaluation_seconds,
        work=work,
        eager_because=eager_because,
        **evaluated,
    )


def opened(summary: Summary, test: TestSet, evaluation_seconds: float) -> Summary:
    """Adds the result on the test images, which the results per class are then of.

    Args:
        summary: of a run whose test set stayed closed.
        test: what its model makes of the test images.
        evaluation_seconds: of that evaluation.
    """
    names = tuple(each.name for each in summary.per_class)
    of_test = _of_test(test, names)
    return dataclasses.replace(summary, evaluation_seconds=evaluation_seconds, **of_test)


def _of_test(test: TestSet, class_names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that evaluating the test images fills."""
    right, plain = _right(test.predictions), test.without_flips
    found = test.metrics
    return {
        "test": Result(found.accuracy, found.loss, found.count, int((~right).sum())),
        "test_without_flips": None
        if plain is None
        else Evaluated(plain.loss, plain.accuracy, plain.count),
        "test_without_copies": _without_copies(right, test.copies),
        "evaluated": "test",
        "per_class": _per_class(test.predictions, class_names),
    }


def _of_validation(predictions: SplitPredictions, class_names: tuple[str, ...]) -> dict[str, Any]:
    """The same fields while the test set stays closed."""
    return {
        "test": None,
        "test_without_flips": None,
        "test_without_copies": None,
        "evaluated": "validation",
        "per_class": _per_class(predictions, class_names),
    }


def _right(predictions: SplitPredictions) -> NDArray[np.bool_]:
    return correct(predictions.logits, predictions.labels)


def _per_class(
    predictions: SplitPredictions, class_names: tuple[str, ...]
) -> tuple[ClassSummary, ...]:
    predicted = predicted_classes(predictions.logits)
    matrix = confusion(predictions.labels, predicted, len(class_names))
    return tuple(
        ClassSummary(each.name, each.count, _share(each.precision), _share(each.recall), each.f1)
        for each in class_results(matrix, class_names)
    )


def _without_copies(right: NDArray[np.bool_], copies: NDArray[np.bool_]) -> WithoutCopies | None:
    """The result without copies; None if there are none, or nothing else."""
    if not copies.any() or copies.all():
        return None
    apart = right[~copies]
    return WithoutCopies(float(apart.mean()), len(apart), int(copies.sum()))


def _share(found: Interval | None) -> float | None:
    return None if found is None else found.share
