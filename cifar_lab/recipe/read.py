"""``eval`` and ``report``: what a finished run's folder says."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cifar_lab.assembly import Experiment
from cifar_lab.data.loaders import Batch
from cifar_lab.engine.metrics import LossAndAccuracy
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import load_evaluated_weights
from cifar_lab.run.files import read_json
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.records import read_predictions

log = logging.getLogger("cifar_lab")

#: Largest difference, in percentage points, between the recorded accuracy and the one computed
#: again from the checkpoint, before it is refused.
TOLERATED_POINTS = 0.1
#: Largest difference between recorded logits and those computed again: a share of their spread
#: (bfloat16 rounds to a hundredth, and other batches add up in another order), and a least amount.
TOLERATED_SHARE, TOLERATED_LOGIT = 0.1, 1e-3


def evaluate(experiment: Experiment, folder: RunFolder) -> None:
    """Computes the test accuracy again from the reported checkpoint, beside the recorded one.

    Raises:
        Refusal: the run is not finished, its checkpoint or data are not those recorded, or the
            accuracies differ by more than ``TOLERATED_POINTS``.
    """
    record, made_with = read_json(folder.summary), read_json(folder.provenance)
    restore(experiment, folder)
    torch.set_num_threads(made_with["threads"])
    _, test = predict_test(experiment)
    points = 100 * (test.accuracy - record["test"]["accuracy"])
    log.info(
        f"test accuracy {test.accuracy:.2%}, loss {test.loss:.4f} ({test.count:,} images); "
        f"recorded {record['test']['accuracy']:.2%}, difference {points:+.2f} points"
    )
    if abs(points) > TOLERATED_POINTS:
        raise Refusal(
            f"the checkpoint of {folder.path} gives {test.accuracy:.2%} on the test images where "
            f"{record['test']['accuracy']:.2%} was recorded ({points:+.2f} points, at most "
            f"{TOLERATED_POINTS} are tolerated); recorded on {made_with['device']} in "
            f"{made_with['precision']}, now {experiment.learner.device} in "
            f"{experiment.learner.precision}"
        )


def draw_report(experiment: Experiment, folder: RunFolder, fresh: bool = False) -> None:
    """Writes report.html, report.md, the figures and the maps, from what the folder holds.

    Args:
        experiment: of the run; its learner's weights become the reported checkpoint's.
        folder: of the run.
        fresh: the run has just ended: no maps are there yet, and the weights are in place.

    Raises:
        Refusal: the run is not finished, or its checkpoint or data are not those recorded.
    """
    from cifar_lab.recipe.run_maps import kept_maps
    from cifar_lab.report.pages.run import write_report
    from cifar_lab.report.reading import read_run  # matplotlib and captum cost seconds

    started = time.monotonic()
    if not fresh:
        restore(experiment, folder)
    schedule, model = experiment.schedule, experiment.learner.model
    reading = read_run(
        folder,
        experiment.report,
        config=experiment.config,
        dataset=experiment.dataset,
        stack=experiment.loaders.train.stack,
        planned=[schedule.learning_rate(step) for step in range(schedule.total_steps)],
        steps_per_epoch=schedule.steps_per_epoch,
        layers=experiment.gradcam_layers,
    )
    if not fresh:
        rows = np.asarray([error.row for error in reading.errors], dtype=np.int64)
        refuse_other_predictions(experiment, folder, rows)
    explained, averaged = kept_maps(folder, reading, model, experiment.normalise, fresh)
    write_report(folder, reading, explained, averaged)
    log.info(f"report: {folder.report} ({time.monotonic() - started:.1f} s)")


def restore(experiment: Experiment, folder: RunFolder) -> None:
    """Puts the reported checkpoint's weights into the experiment's model.

    Raises:
        Refusal: the run is not finished, or its data are not those recorded.
    """
    read_json(folder.summary)  # which refuses a run that is not finished
    refuse_other_images(experiment, folder, read_json(folder.provenance))
    load_evaluated_weights(
        folder.best_checkpoint, experiment.learner.model, experiment.learner.device
    )


def predict_test(experiment: Experiment) -> tuple[NDArray[np.float32], LossAndAccuracy]:
    """Logits and metrics of the learner's model as it is, over all test images."""
    learner = experiment.learner
    logits, metrics = learner.predict(experiment.loaders.test, learner.model)
    return logits.cpu().numpy(), metrics.result()


def refuse_other_images(
    experiment: Experiment, folder: RunFolder, made_with: dict[str, Any]
) -> None:
    """Refuses images other than those that a run was trained on."""
    if made_with["data_fingerprint"] != experiment.dataset.source.fingerprint:
        raise Refusal(
            f"the images under dataset.root are not those that {folder.path} was trained on: the "
            "fingerprint of their pixels is another; put the same images there"
        )


def refuse_other_predictions(
    experiment: Experiment, folder: RunFolder, rows: NDArray[np.int64]
) -> None:
    """Refuses a checkpoint that does not give the recorded logits of some test images.

    Args:
        experiment: its model is to be explained.
        folder: of the run.
        rows: int64 ``(n,)``, of the test images.
    """
    recorded = read_predictions(folder.predictions).logits[rows]
    if len(rows) == 0:
        return
    test = experiment.dataset.source.test
    images = experiment.normalise(torch.from_numpy(test.images[rows]))
    labels = torch.from_numpy(test.labels[rows]).to(images.device)
    learner = experiment.learner
    again = learner.predict([Batch(images, labels)], learner.model)[0].cpu().numpy()
    difference = float(np.sqrt(np.mean((again - recorded) ** 2)))
    tolerated = max(TOLERATED_SHARE * float(recorded.std()), TOLERATED_LOGIT)
    if not difference <= tolerated:
        raise Refusal(
            f"the checkpoint of {folder.path} does not give the logits that were recorded for "
            f"{len(rows)} test images: they differ by {difference:.3g} (root mean square), at most "
            f"{tolerated:.3g} is tolerated; `cifar-lab eval` computes the accuracy again"
        )
