"""Evaluates the reported checkpoint of a run on its held-out images, and writes the results."""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from cifar_lab.assembly import Experiment
from cifar_lab.data.duplicates import copies, trained_on
from cifar_lab.data.held_out import SplitName, held_out
from cifar_lab.data.loaders import EvalLoader
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.models.summary import summarise
from cifar_lab.nodes import dataset_name, described, without_taken
from cifar_lab.run.files import object_text
from cifar_lab.run.predictions import Predictions, SplitPredictions, packed_predictions
from cifar_lab.run.record import Run
from cifar_lab.run.summarising import TestSet, opened, summarised
from cifar_lab.run.summary import Summary
from cifar_lab.run.work import WorkMeter
from cifar_lab.wording import plural

log = logging.getLogger("cifar_lab")


class Predicted(NamedTuple):
    """What the current model makes of a split, and the seconds that this took."""

    predictions: SplitPredictions
    metrics: LossAndAccuracy
    seconds: float


def predict(experiment: Experiment, split: SplitName) -> Predicted:
    """Evaluate the learner's current model on a split that the experiment has a loader of."""
    loader = _loader(experiment, split)
    assert loader is not None, f"the experiment was not built to evaluate the {split} images"
    started = time.monotonic()
    learner, images = experiment.learner, held_out(experiment.dataset, split)
    on_device, metrics = learner.predict(loader, learner.model)
    logits, found = on_device.cpu().numpy(), metrics.result()
    seconds = time.monotonic() - started
    return Predicted(SplitPredictions(logits, images.labels, images.sample_ids), found, seconds)


def write_evaluation(
    experiment: Experiment,
    run: Run,
    epoch: int,
    stopped: str | None,
    failure: str | None,
    meter: WorkMeter | None,
) -> Summary:
    """Evaluate a run that has just been trained; write predictions and summary.

    Args:
        experiment: has the weights of the reported checkpoint.
        run: its metrics have been written.
        epoch: that of the checkpoint.
        stopped: why training ended early; None if it did not.
        failure: why steps ran eagerly although they should have been captured; None if they did
            not.
        meter: measures the work; None if it is not measured.
    """
    splits: tuple[SplitName, ...] = ("test", "validation")
    found = {split: predict(experiment, split) for split in splits if _loader(experiment, split)}
    test, validation = (found.get(split) for split in splits)
    evaluated = found["test" if test else "validation"]  # a run with neither is refused
    size = summarise(experiment.learner.model, experiment.dataset.image_size)
    training_seconds = sum(row["epoch_seconds"] for row in run.metrics)
    result = summarised(
        name=experiment.name,
        dataset=dataset_name(experiment.config["dataset"]),
        model=described(without_taken("model", experiment.config["model"])),
        parameters=size.parameters,
        multiply_adds=size.multiply_adds,
        rows=run.metrics,
        epochs_planned=experiment.plan.epochs,
        stopped=stopped,
        reported_epoch=epoch,
        class_names=experiment.dataset.class_names,
        validation=validation and validation.predictions,
        test=None if test is None else _test_set(experiment, test),
        evaluation_seconds=evaluated.seconds,
        work=None if meter is None else meter.result(training_seconds + evaluated.seconds),
        eager_because=failure,
    )
    of_both = Predictions(test and test.predictions, validation and validation.predictions)
    _write(run, of_both, result)
    return result


def open_test_set(experiment: Experiment, run: Run) -> Summary:
    """Evaluate the test images of a run whose test set stayed closed, and add the result.

    Maps of the validation images, which its report showed, are removed.

    Args:
        experiment: built to evaluate the test images; has the weights of the reported checkpoint.
        run: the run as it was.
    """
    test = predict(experiment, "test")
    result = opened(run.summary, _test_set(experiment, test), test.seconds)
    maps = (run.folder.gallery_maps, run.folder.averaged_maps)
    run.files.remove([path for path in maps if run.files.has(path)])
    _write(run, Predictions(test.predictions, run.predictions.validation), result)
    return result


def log_result(result: Summary) -> None:
    """Log what a run achieved on the split that was evaluated."""
    found = result.result
    log.info(
        f"{result.evaluated} accuracy {found.accuracy:.2%}, loss {found.loss:.4f} "
        f"({found.count:,} images) at epoch {result.reported_epoch}: {result.reported_because}"
    )
    if result.test_without_flips is not None:
        plain = result.test_without_flips.accuracy
        log.info(f"this is with test-time flip averaging; without it: {plain:.2%}")
    if result.test_without_copies is not None:
        apart = result.test_without_copies
        log.info(
            f"{plural(apart.copies, 'test image is an exact copy', 'test images are exact copies')}"
            f" of images trained on; without: {apart.accuracy:.2%} ({apart.count:,} images)"
        )


def _write(run: Run, predictions: Predictions, result: Summary) -> None:
    """Write both; the summary, which says what there is, comes last."""
    run.files.write(
        {
            run.folder.predictions: packed_predictions(predictions),
            run.folder.summary: object_text(result),
        }
    )


def _test_set(experiment: Experiment, test: Predicted) -> TestSet:
    seen = trained_on(copies(experiment.dataset), held_out(experiment.dataset, "test"))
    return TestSet(test.predictions, test.metrics, _without_flips(experiment), seen)


def _without_flips(experiment: Experiment) -> LossAndAccuracy | None:
    """Return the test metrics without test-time flips; None if no flips are used."""
    learner, loader = experiment.learner, experiment.loaders.test
    if not learner.test_time_flips or loader is None:
        return None
    return learner.predict(loader, learner.model, flips=False)[1].result()


def _loader(experiment: Experiment, split: SplitName) -> EvalLoader | None:
    loaders = experiment.loaders
    return {"test": loaders.test, "validation": loaders.val}[split]
