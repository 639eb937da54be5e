"""Opens a run again: its network alone, or its whole experiment with the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cifar_lab import assembly
from cifar_lab.assembly import Experiment
from cifar_lab.config.saved import restored
from cifar_lab.data.loaders import Batch
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import load_evaluated_weights
from cifar_lab.run.record import Run

#: Largest difference between recorded logits and those computed again: a share of their spread
#: (bfloat16 rounds to a hundredth, and other batches add up in another order), and a least amount.
TOLERATED_SHARE, TOLERATED_LOGIT = 0.1, 1e-3


def network(run: Run, device: str = "cpu") -> nn.Module:
    """The run's network with the weights of its reported checkpoint, from its folder alone.

    Args:
        run: a finished one.
        device: where to.

    Returns:
        In eval mode and float32; maps images ``(n, 3, height, width)``, normalised by
        ``run.data``, to logits ``(n, classes)``.

    Raises:
        Refusal: the run is not finished, its folder lacks data.json, as older ones do, or its
            checkpoint is damaged or of another network.
    """
    assert run.summary  # which refuses a run that is not finished
    place = assembly.device(device)
    model = assembly.network(run.config, len(run.data.class_names), run.data.image_size, place)
    load_evaluated_weights(run.folder.best_checkpoint, model, place)
    return model.eval()


def experiment(run: Run, overrides: Sequence[str] = ()) -> Experiment:
    """A run's experiment, built from its saved configuration as it can be built here.

    Args:
        run: begun, or claimed at least.
        overrides: ``key=value`` of the saved configuration that change nothing of what it was.

    Raises:
        Refusal: the configuration, or what it names, cannot be had here any more.
    """
    found = restored(run, overrides)
    if found.problems:
        raise Refusal(found.problems)
    if not run.began:  # it was stopped before
        return assembly.experiment(found.job())
    built = assembly.experiment(assembly.readable(found.job(), run.provenance.precision))
    found_lr = run.lr_finder
    if found_lr is None or found_lr.max_lr is None:
        return built
    return built.with_max_lr(found_lr.max_lr)


def restore(experiment: Experiment, run: Run) -> None:
    """Puts the reported checkpoint's weights into the experiment's model.

    Raises:
        Refusal: the run is not finished, or its data are not those recorded.
    """
    assert run.summary  # which refuses a run that is not finished
    refuse_other_images(experiment, run)
    learner = experiment.learner
    load_evaluated_weights(run.folder.best_checkpoint, learner.model, learner.device)


def refuse_other_images(experiment: Experiment, run: Run) -> None:
    """Refuses images other than those that a run was trained on."""
    if run.provenance.data_fingerprint != experiment.dataset.source.fingerprint:
        raise Refusal(
            f"the images under dataset.root are not those that {run.folder.path} was trained on: "
            "the fingerprint of their pixels is another; put the same images there"
        )


def refuse_other_predictions(experiment: Experiment, run: Run, rows: NDArray[np.int64]) -> None:
    """Refuses a checkpoint that does not give the recorded logits of some test images.

    Args:
        experiment: its model is to be explained.
        run: whose predictions are recorded.
        rows: int64 ``(n,)``, of the test images.
    """
    recorded = run.predictions.test.logits[rows]
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
            f"the checkpoint of {run.folder.path} does not give the logits that were recorded for "
            f"{len(rows)} test images: they differ by {difference:.3g} (root mean square), at most "
            f"{tolerated:.3g} is tolerated; `cifar-lab eval` computes the accuracy again"
        )
