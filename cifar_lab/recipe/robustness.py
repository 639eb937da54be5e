"""``eval RUN --on``: evaluates a run on corrupted or on other test images."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_lab.analysis.confidence import calibration
from cifar_lab.analysis.predictions import correct, log_softmax
from cifar_lab.assembly import Experiment
from cifar_lab.data.corruptions.suite import SIDES, lab_suite
from cifar_lab.data.robustness_files import ALLOWED, official_suites
from cifar_lab.data.suites import Condition, Suite
from cifar_lab.recipe.evaluation import predict
from cifar_lab.recipe.open import restore
from cifar_lab.recipe.read import draw_report, refuse_other_accuracy
from cifar_lab.refusal import Refusal
from cifar_lab.report.sections.robustness import table
from cifar_lab.run.console import counted
from cifar_lab.run.files import object_text
from cifar_lab.run.record import Run
from cifar_lab.run.robustness import ConditionResult, Robustness, Scores, SuiteResult, means
from cifar_lab.wording import aligned

log = logging.getLogger("cifar_lab")

#: Names the corruptions that the lab makes; anything else is a folder.
CORRUPTIONS = "corruptions"


def refuse_early(run: Run, on: str) -> None:
    """Refuse what can be told without the images.

    Raises:
        Refusal: the run is not finished, its test set stays closed, or there is no such folder.
    """
    problems = []
    if run.summary.test is None:
        problems.append(
            f"the test set of {run.folder.path} stays closed (evaluate_test=false); evaluate the "
            f"test images first with `cifar-lab eval {run.folder.path}`"
        )
    if on != CORRUPTIONS and not Path(on).is_dir():
        problems.append(
            f"--on {on} is not a directory; write `--on corruptions`, or name a folder: {ALLOWED}"
        )
    if problems:
        raise Refusal(problems)


def evaluate_on(experiment: Experiment, run: Run, on: str) -> None:
    """Evaluate a run on one or more suites, add the results to it and redraw its report.

    Args:
        experiment: the run's experiment, built to evaluate the test images.
        run: a finished run whose test set was evaluated.
        on: ``corruptions``, or a folder with official files.

    Raises:
        Refusal: as :func:`refuse_early`; the images do not fit the run, or its checkpoint does not
            give the recorded test accuracy.
    """
    refuse_early(run, on)
    suites = _suites(experiment, on)
    restore(experiment, run)
    test = predict(experiment, "test")
    refuse_other_accuracy(experiment, run, test.metrics)
    clean = scores(test.predictions.logits, test.predictions.labels)
    found = [_evaluated(experiment, suite, clean) for suite in suites]
    before = run.robustness or Robustness(())
    run.files.write({run.folder.robustness: object_text(before.replacing(found))})
    for each in found:
        _log(each)
    log.info(f"added to {run.folder.robustness}")
    if run.folder.report.is_file():
        draw_report(experiment, Run(run.folder))


def scores(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Scores:
    """Score predictions.

    Args:
        logits: float32 ``(n, classes)``.
        labels: int64 ``(n,)``.
    """
    right, logs = correct(logits, labels), log_softmax(logits)
    return Scores(
        count=len(labels),
        accuracy=float(right.mean()),
        loss=float(-logs[np.arange(len(labels)), labels].mean()),
        calibration_error=calibration(np.exp(logs.max(axis=1)), right).error,
    )


def _suites(experiment: Experiment, on: str) -> list[Suite]:
    test = experiment.dataset.source.test
    if on != CORRUPTIONS:
        return official_suites(Path(on), test.class_names, test.image_size)
    low, high = SIDES
    if not all(low <= side <= high for side in test.image_size):
        raise Refusal(
            f"--on corruptions needs images with sides of {low} to {high} pixels, for which its "
            f"strengths are made; the run's have {test.image_size[0]}×{test.image_size[1]}"
        )
    return [lab_suite(test)]


def _evaluated(experiment: Experiment, suite: Suite, clean: Scores) -> SuiteResult:
    digest, results = hashlib.sha256(), []
    for each in counted(suite.conditions, suite.name):
        images = each.images()
        digest.update(images.tobytes())
        digest.update(each.labels.tobytes())
        found = scores(_logits(experiment, images, each), each.labels)
        results.append(ConditionResult(each.name, each.severity, each.averaged, found))
    return SuiteResult(
        suite=suite.name,
        version=suite.version,
        seed=suite.seed,
        files=dict(suite.files),
        fingerprint=digest.hexdigest(),
        precision=experiment.learner.precision,
        flips=experiment.learner.test_time_flips,
        clean=clean,
        mean=means(results),
        conditions=tuple(results),
    )


def _logits(
    experiment: Experiment, images: NDArray[np.uint8], condition: Condition
) -> NDArray[np.float32]:
    """Logits of images, in the batches, precision and flips of the run's own evaluation."""
    learner, loader = experiment.learner, experiment.loaders.test
    assert loader is not None, "the experiment was not built to evaluate the test images"
    batches = loader.of_other_images(images, condition.labels)
    found: NDArray[np.float32] = learner.predict(batches, learner.model)[0].cpu().numpy()
    return found


def _log(found: SuiteResult) -> None:
    shown = table(found)
    rows: list[Sequence[str]] = [shown.header, *shown.rows]
    for line in aligned(rows, right_from=1):
        log.info(line)
