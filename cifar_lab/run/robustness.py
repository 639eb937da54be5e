"""robustness.json: results on other test images, by ``eval RUN --on``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cifar_lab.bounds import Count, UnitInterval
from cifar_lab.run.files import Measured


@dataclass(frozen=True)
class Scores:
    """Results on some images.

    Attributes:
        count: number of images.
        accuracy: share that is classified correctly, 0 to 1.
        loss: mean negative log-likelihood of the true class, in nats, whatever was trained with.
        calibration_error: expected calibration error, 0 to 1.
    """

    count: Count
    accuracy: UnitInterval
    loss: Measured
    calibration_error: Measured


@dataclass(frozen=True)
class Means:
    """Unweighted means over corruptions and severities.

    Attributes:
        accuracy, loss, calibration_error: as in :class:`Scores`; the accuracy is not divided by
            that of another network such as AlexNet.
    """

    accuracy: UnitInterval
    loss: Measured
    calibration_error: Measured


@dataclass(frozen=True)
class ConditionResult:
    """Results on images of one kind.

    Attributes:
        name: of the corruption or the test set.
        severity: 1 to 5; None if it has none.
        averaged: whether it counts in the mean.
        scores: the results.
    """

    name: str
    severity: int | None
    averaged: bool
    scores: Scores


@dataclass(frozen=True)
class SuiteResult:
    """Results on a suite.

    Attributes:
        suite: its name, such as ``corruptions@lab``, ``CIFAR-10-C`` or ``CIFAR-10.1 v6``.
        version: of the definition of images that the lab makes; None for files.
        seed: of their random streams, likewise.
        files: SHA-256 of each file, by name; empty if the lab makes the images.
        fingerprint: SHA-256 of all pixels and labels that were evaluated, in order.
        precision: of the forward passes.
        flips: whether with test-time flip averaging.
        clean: on the run's own test images, evaluated in the same way.
        mean: over all conditions that are averaged; None if none is.
        conditions: in the order of the suite.
    """

    suite: str
    version: int | None
    seed: int | None
    files: dict[str, str]
    fingerprint: str
    precision: str
    flips: bool
    clean: Scores
    mean: Means | None
    conditions: tuple[ConditionResult, ...]

    @property
    def accuracy(self) -> float | None:
        """The mean, or that of a single test set, 0 to 1; None if nothing is averaged."""
        if self.mean is not None:
            return self.mean.accuracy
        return self.conditions[0].scores.accuracy if len(self.conditions) == 1 else None

    @property
    def by_name(self) -> Mapping[str, Sequence[ConditionResult]]:
        """The conditions of each name, by severity."""
        names = dict.fromkeys(each.name for each in self.conditions)
        return {name: [c for c in self.conditions if c.name == name] for name in names}


@dataclass(frozen=True)
class Robustness:
    """Results on all suites that a run was evaluated on, the latest last."""

    suites: tuple[SuiteResult, ...]

    def replacing(self, found: Sequence[SuiteResult]) -> Robustness:
        """With these results in place of earlier ones on the same suites."""
        new = {each.suite for each in found}
        return Robustness((*(each for each in self.suites if each.suite not in new), *found))


def means(conditions: Sequence[ConditionResult]) -> Means | None:
    """Average the conditions that count; None if none does."""
    scores = [each.scores for each in conditions if each.averaged]
    if not scores:
        return None
    return Means(
        accuracy=sum(each.accuracy for each in scores) / len(scores),
        loss=sum(each.loss for each in scores) / len(scores),
        calibration_error=sum(each.calibration_error for each in scores) / len(scores),
    )
