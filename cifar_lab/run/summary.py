"""summary.json: the result of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo

from cifar_lab.bounds import Count, NonNegativeFloat, UnitInterval
from cifar_lab.data.held_out import SplitName
from cifar_lab.refusal import Refusal
from cifar_lab.run.files import Measured


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
class Result:
    """The result on the images of a split.

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
    """The result of the reported epoch on the validation images.

    Attributes:
        accuracy: as in :class:`Result`.
        loss: likewise.
        count: likewise; None in older runs.
        wrong: likewise.
    """

    accuracy: UnitInterval
    loss: Measured
    count: Count | None
    wrong: Count | None


R = TypeVar("R", Result, ValidationResult)


def _at_most_all(result: R) -> R:
    """Refuses a file with more misclassified images than images; for values that are read."""
    if (result.wrong or 0) > (result.count or 0):
        raise ValueError(f"{result.wrong} of {result.count} images cannot be misclassified")
    return result


def _has_a_result(evaluated: SplitName, info: ValidationInfo) -> SplitName:
    """Refuses a file without the result of the split that it says was evaluated; likewise."""
    missing = object()
    test, validation = (info.data.get(split, missing) for split in ("test", "validation"))
    if missing in (test, validation):  # refused by its own key
        return evaluated
    closed = test is None
    if closed != (evaluated == "validation"):
        raise ValueError(f"contradicts test, which is {'null' if closed else 'not null'}")
    if closed and (validation is None or None in (validation.count, validation.wrong)):
        raise ValueError("validation has no count of images and of wrong ones")
    return evaluated


@dataclass(frozen=True)
class ClassSummary:
    """Results of one class on the images of the split that was evaluated.

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
        matmul_flops_per_second: mean rate of large matrix products in the run's precision.
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
        test: on the test images; None while the test set stays closed, as the next two.
        test_without_flips: likewise, if ``test`` is with test-time flip averaging; else None.
        test_without_copies: without exact copies of images trained on; None if there are none, and
            in older runs.
        evaluated: the split that ``per_class`` and reports are of: ``validation`` while the test
            set stays closed, else ``test``.
        per_class: in the order of the labels.
        final: the last row of metrics.csv.
        training_seconds: of all epochs, including their evaluation.
        evaluation_seconds: of the last evaluation of that split; None in older runs.
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
    validation: Annotated[ValidationResult, AfterValidator(_at_most_all)] | None
    test: Annotated[Result, AfterValidator(_at_most_all)] | None
    test_without_flips: Evaluated | None
    test_without_copies: WithoutCopies | None
    evaluated: Annotated[SplitName, AfterValidator(_has_a_result)]
    per_class: tuple[ClassSummary, ...]
    final: dict[str, int | Measured]
    training_seconds: NonNegativeFloat
    evaluation_seconds: NonNegativeFloat | None
    work: Work | None
    eager_because: str | None

    @property
    def result(self) -> Result:
        """On the split that was evaluated."""
        if self.test is not None:
            return self.test
        found = self.validation
        assert found is not None, "otherwise the file is refused"
        assert found.count is not None, "likewise"
        assert found.wrong is not None, "likewise"
        return Result(found.accuracy, found.loss, found.count, found.wrong)

    @property
    def opened(self) -> Result:
        """On the test images.

        Raises:
            Refusal: the test set stays closed.
        """
        if self.test is None:
            raise Refusal(
                f"a run of {self.name} has no test result, as evaluate_test=false; "
                "`cifar-lab eval RUN` adds it"
            )
        return self.test
