"""``eval`` and ``report``: work from a finished run's folder."""

from __future__ import annotations

import logging
import time
from functools import partial

import numpy as np

from cifar_lab.assembly import Experiment
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.optim.schedules import steps_of
from cifar_lab.recipe.evaluation import log_result, open_test_set, predict
from cifar_lab.recipe.near_duplicates import kept_near_duplicates
from cifar_lab.recipe.open import refuse_other_predictions, restore
from cifar_lab.refusal import Refusal
from cifar_lab.run.record import Run

log = logging.getLogger("cifar_lab")

#: How many recorded predictions are computed again before a result is added to them.
CHECKED_IMAGES = 100
#: Largest tolerated difference, in percentage points, between the recorded accuracy and the one
#: recomputed from the checkpoint.
TOLERATED_POINTS = 0.1


def evaluate(experiment: Experiment, run: Run) -> None:
    """Recompute the test accuracy from the reported checkpoint; log it beside the recorded one.

    If the test set stayed closed until now, add the result to the run, and redraw its report.

    Args:
        experiment: the run's experiment, built to evaluate the test images.
        run: a finished run.

    Raises:
        Refusal: the run is not finished, its checkpoint or data differ from those recorded, or
            the accuracies differ by more than ``TOLERATED_POINTS``.
    """
    restore(experiment, run)
    if run.summary.test is None:
        _open(experiment, run)
        return
    refuse_other_accuracy(experiment, run, predict(experiment, "test").metrics)


def refuse_other_accuracy(experiment: Experiment, run: Run, test: LossAndAccuracy) -> None:
    """Log the recomputed test accuracy beside the recorded one; refuse one that differs.

    Args:
        experiment: it was recomputed with.
        run: whose test set was evaluated.
        test: what was recomputed.

    Raises:
        Refusal: the accuracies differ by more than ``TOLERATED_POINTS``.
    """
    recorded, provenance = run.summary.opened, run.provenance
    points = 100 * (test.accuracy - recorded.accuracy)
    log.info(
        f"test accuracy {test.accuracy:.2%}, loss {test.loss:.4f} ({test.count:,} images); "
        f"recorded {recorded.accuracy:.2%}, difference {points:+.2f} points"
    )
    if abs(points) > TOLERATED_POINTS:
        raise Refusal(
            f"the checkpoint of {run.folder.path} gives {test.accuracy:.2%} on the test images "
            f"but {recorded.accuracy:.2%} was recorded ({points:+.2f} points; at most "
            f"{TOLERATED_POINTS} are tolerated); recorded on {provenance.device} in "
            f"{provenance.precision}, recomputed on {experiment.learner.device} in "
            f"{experiment.learner.precision}"
        )


def _open(experiment: Experiment, run: Run) -> None:
    """Add the result on the test images, log it, and redraw the report if there is one."""
    rows = np.arange(min(CHECKED_IMAGES, len(run.evaluated.labels)))
    refuse_other_predictions(experiment, run, rows)
    log_result(open_test_set(experiment, run))
    log.info(f"added to {run.folder.summary} and {run.folder.predictions.name}")
    if run.folder.report.is_file():
        draw_report(experiment, Run(run.folder), fresh=True)


def draw_report(experiment: Experiment, run: Run, fresh: bool = False) -> None:
    """Write report.html, report.md, the figures and the maps from the run's folder.

    Args:
        experiment: the run's experiment; the reported checkpoint's weights are loaded into it.
        run: a finished run.
        fresh: the run has just ended: there are no maps yet, and the weights are loaded already.

    Raises:
        Refusal: the run is not finished, or its checkpoint or data differ from those recorded.
    """
    from cifar_lab.explain.explained import (
        ReportMaps,  # importing matplotlib and captum takes seconds
    )
    from cifar_lab.recipe.run_maps import kept_maps
    from cifar_lab.report.attempts import attempted
    from cifar_lab.report.blocks import Text
    from cifar_lab.report.pages.run import write_report
    from cifar_lab.report.reading import Reading

    started = time.monotonic()
    if not fresh:
        restore(experiment, run)
    schedule = experiment.schedule
    found = attempted(
        "Near-duplicates could not be looked for",
        partial(kept_near_duplicates, experiment.dataset.source),
    )
    reading = Reading(
        run=run,
        options=experiment.report,
        dataset=experiment.dataset,
        loader=experiment.loaders.train,
        planned=[schedule.learning_rate(step) for step in steps_of(schedule)],
        first_step=steps_of(schedule).start,
        steps_per_epoch=schedule.steps_per_epoch,
        layers=experiment.gradcam_layers,
        near_duplicates=None if isinstance(found, Text) else found,
    )
    if not fresh:
        rows = np.asarray([error.row for error in reading.errors], dtype=np.int64)
        refuse_other_predictions(experiment, run, rows)
    model, normalise = experiment.learner.model, experiment.normalise
    maps = attempted(
        "The attribution maps could not be computed",
        partial(kept_maps, reading, model, normalise, fresh),
    )
    run.folder.require()
    warnings = [each for each in (found, maps) if isinstance(each, Text)]
    shown = ReportMaps([], None) if isinstance(maps, Text) else maps
    write_report(reading, shown, warnings, started)
    log.info(f"report: {run.folder.report} ({time.monotonic() - started:.1f} s)")
