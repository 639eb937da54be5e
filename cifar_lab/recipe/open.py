"""Opens a run: only its network, or its whole experiment with the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cifar_lab import assembly
from cifar_lab.assembly import Experiment
from cifar_lab.config.preflight import Preflight
from cifar_lab.config.saved import restored
from cifar_lab.data.held_out import held_out
from cifar_lab.data.loaders import Batch
from cifar_lab.own_code import Given, OwnCode
from cifar_lab.refusal import Refusal
from cifar_lab.run.believed import COPIED, own_code
from cifar_lab.run.changes import changes, say
from cifar_lab.run.checkpoint import load_evaluated_weights
from cifar_lab.run.record import Run
from cifar_lab.run.weights import Weights, read_weights

#: Largest tolerated difference between recorded and recomputed logits: as a fraction of their
#: standard deviation (bfloat16 rounds to about 1 %, and different batches sum in a different
#: order), and at least this absolute value.
TOLERATED_SHARE, TOLERATED_LOGIT = 0.1, 1e-3


def network(run: Run, device: str = "cpu", own: OwnCode | None = None) -> nn.Module:
    """Load the run's network with the weights of its reported checkpoint, using only its folder.

    Args:
        run: a finished run.
        device: the device to put it on.
        own: where modules of the user's own may come from, as in :func:`experiment`.

    Returns:
        The network in eval mode and float32; maps images ``(n, 3, height, width)``, normalised by
        ``run.data``, to logits ``(n, classes)``.

    Raises:
        Refusal: the run is not finished, its folder has no data.json (older runs have none), its
            configuration names what may not be named, or its checkpoint is damaged or belongs to a
            different network.
    """
    return built_network(run, checked(run, own), device)


def checked(run: Run, own: OwnCode | None = None) -> dict[str, Any]:
    """Return the configuration of a finished run, checked, as plain values.

    Raises:
        Refusal: as :func:`network`, of an unfinished run or of its configuration.
    """
    assert run.summary  # reading it refuses an unfinished run
    return _checked(run, [], own).job()


def built_network(run: Run, config: dict[str, Any], device: str = "cpu") -> nn.Module:
    """Load the network of a configuration that :func:`checked` returned, as :func:`network`."""
    place = assembly.device(device)
    model = assembly.network(config, len(run.data.class_names), run.data.image_size, place)
    load_evaluated_weights(run.folder.best_checkpoint, model, place, run.files)
    return model.eval()


def experiment(
    run: Run, overrides: Sequence[str] = (), own: OwnCode | None = None, to_train: bool = False
) -> Experiment:
    """Build a run's experiment from its saved configuration, adapted to this machine.

    Args:
        run: a run whose folder was at least claimed.
        overrides: ``key=value`` for saved keys that do not change what the experiment is.
        own: where modules of the user's own may come from; None for the places that the run
            recorded, if this user made it on this machine.
        to_train: whether the run is to be continued, and therefore needs its hooks.

    Raises:
        Refusal: the configuration could not be read, or can no longer be built here.
    """
    found = _checked(run, overrides, own, to_train)
    begun = not to_train or run.files.has(run.folder.last_checkpoint)
    weights = None if begun else _weights(found.job())
    if not run.began:  # stopped before anything was recorded
        return assembly.experiment(found.job(), weights=weights)
    stated = any(text.startswith("device=") for text in overrides)
    config = assembly.readable(found.job(), run.provenance.precision, stated)
    built = assembly.experiment(config, weights=weights)
    found_lr = run.lr_finder
    if found_lr is None or found_lr.max_lr is None:
        return built
    return built.with_max_lr(found_lr.max_lr)


def _weights(config: dict[str, Any]) -> Weights | None:
    """Read what a run without a checkpoint starts from; one with a checkpoint needs it no more."""
    place = config["model"].get("weights")
    return None if place is None else read_weights(str(place))


def code_of(run: Run, given: Given = Given()) -> OwnCode:  # noqa: B008  # immutable
    """Return where modules of a run's own may come from; log what has changed since the run.

    Args:
        run: any run.
        given: whose Python files to use.

    Raises:
        Refusal: as :func:`cifar_lab.run.believed.own_code`.
    """
    own = own_code(run, given)
    say(changes(run.code, own), f"the files are used as they are now; {COPIED}")
    return own


def _checked(
    run: Run, overrides: Sequence[str], own: OwnCode | None, to_train: bool = False
) -> Preflight:
    found = restored(run, overrides, code_of(run) if own is None else own, to_train)
    if found.problems:
        raise Refusal(found.problems)
    return found


def restore(experiment: Experiment, run: Run) -> None:
    """Load the reported checkpoint's weights into the experiment's model.

    Raises:
        Refusal: the run is not finished, or its data differ from the recorded data.
    """
    assert run.summary  # reading it refuses an unfinished run
    refuse_other_images(experiment, run)
    learner = experiment.learner
    path = run.folder.best_checkpoint
    load_evaluated_weights(path, learner.model, learner.device, run.files)


def refuse_other_images(experiment: Experiment, run: Run) -> None:
    """Refuse images other than those that a run was trained on."""
    if run.provenance.data_fingerprint != experiment.dataset.source.fingerprint:
        raise Refusal(
            f"the images under dataset.root are not those that {run.folder.path} was trained on: "
            "their fingerprint differs; set dataset.root to the original images"
        )


def refuse_other_predictions(experiment: Experiment, run: Run, rows: NDArray[np.int64]) -> None:
    """Refuse a checkpoint that does not reproduce the recorded logits of some images.

    Args:
        experiment: holds the model to check.
        run: holds the recorded predictions.
        rows: int64 ``(n,)``, rows of the split that was evaluated, to check.
    """
    recorded = run.evaluated.logits[rows]
    if len(rows) == 0:
        return
    split = held_out(experiment.dataset, run.summary.evaluated)
    images = experiment.normalise(torch.from_numpy(split.images(rows)))
    labels = torch.from_numpy(split.labels[rows]).to(images.device)
    learner = experiment.learner
    again = learner.predict([Batch(images, labels)], learner.model)[0].cpu().numpy()
    difference, tolerated = difference_of(again, recorded)
    if not difference <= tolerated:
        raise Refusal(
            f"the checkpoint of {run.folder.path} does not reproduce the recorded logits of "
            f"{len(rows)} {split.name} images: they differ by {difference:.3g} (root mean square), "
            f"but at most {tolerated:.3g} is tolerated; recompute the accuracy with "
            "`cifar-lab eval`"
        )


def difference_of(again: NDArray[np.float32], recorded: NDArray[np.float32]) -> tuple[float, float]:
    """Return the root mean square difference of logits, and the largest that is tolerated.

    Args:
        again: float32 ``(n, classes)``, recomputed.
        recorded: likewise. Of a run that has failed, those that were not finite are to be so again.
    """
    finite = np.isfinite(recorded)
    same = np.isnan(recorded) & np.isnan(again) | (again == recorded)
    with np.errstate(invalid="ignore"):
        difference = float(np.sqrt(np.mean(np.where(same, 0, again - recorded) ** 2)))
    spread = float(recorded[finite].std()) if finite.any() else 0.0
    return difference, max(TOLERATED_SHARE * spread, TOLERATED_LOGIT)
