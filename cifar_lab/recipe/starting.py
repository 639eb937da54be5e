"""What a new run starts from besides its own initial weights, read before anything is written."""

from __future__ import annotations

import logging
from typing import Any

from cifar_lab.assembly import Experiment
from cifar_lab.config.preflight import Preflight
from cifar_lab.config.weights import pin_weights
from cifar_lab.recipe.open import refuse_other_images
from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import load_checkpoint, refuse_other_model
from cifar_lab.run.folder import RunFolder
from cifar_lab.run.origin import Parent
from cifar_lab.run.record import Run
from cifar_lab.run.weights import KEY, Weights, hash_of, read_weights

log = logging.getLogger("cifar_lab")


def weights_of(found: Preflight) -> Weights | None:
    """Read the weights that ``model.weights`` names; what is wrong is added to the problems.

    Args:
        found: a checked configuration, in which the value becomes a path.
    """
    place = pin_weights(found)
    if place is None:
        return None
    try:
        return read_weights(place)
    except Refusal as refusal:
        for problem in refusal.problems:
            found.add(KEY, problem)
        return None


def parent_of(config: dict[str, Any]) -> Parent | None:
    """Return the run that a configuration extends, if any."""
    node = config.get("extends")
    return None if node is None else Parent(**node)


def refuse_lost_parent(found: Preflight) -> None:
    """Add it to the problems if the run that a new one is to extend is gone or has changed."""
    if "extends" in found.groups:
        return
    parent = parent_of(found.job())
    if parent is None:
        return
    try:
        parent_run(parent)
    except Refusal as refusal:
        for problem in refusal.problems:
            found.add("extends", problem)


def parent_run(parent: Parent) -> Run:
    """Return the parent, as it was when it was extended.

    Raises:
        Refusal: it is gone or has changed.
    """
    run = Run(RunFolder.below_current(parent.run))
    gone = f"{parent.run}, which the run extends from epoch {parent.epochs}"
    if not run.folder.exists():
        raise Refusal(
            f"{gone}, does not exist; bring it back (`cifar-lab restore` lists removed runs), or "
            "start from weights with model.weights=RUN"
        )
    file = run.folder.last_checkpoint
    if run.id != parent.id or not file.is_file() or hash_of(file) != parent.checkpoint:
        raise Refusal(
            f"{gone}, no longer has that checkpoint ({file.name}); extend another run, or start "
            "from weights with model.weights=RUN"
        )
    return run


def parent_state(parent: Parent, experiment: Experiment) -> dict[str, Any]:
    """Load the last checkpoint of the run that an experiment extends.

    Raises:
        Refusal: it is gone or has changed, is of another model, or was trained on other images.
    """
    run, device = parent_run(parent), experiment.learner.device
    refuse_other_images(experiment, run)
    contents = load_checkpoint(run.folder.last_checkpoint, device, run.files)
    refuse_other_model(run.folder.last_checkpoint, contents["model"], experiment.learner.model)
    return contents


def say_changed_weights(experiment: Experiment, earlier: Run) -> None:
    """Log it if the weights that a run started from are different ones by now.

    Args:
        experiment: to run again.
        earlier: the run that it repeats.
    """
    now = experiment.fitted
    then = earlier.provenance.weights if earlier.began else None
    if now is None or then is None or then.path != now.weights.path:
        return
    if then.sha256 != now.weights.sha256:
        log.warning(
            f"{KEY}={then.path} has changed since {earlier.folder.path}: its SHA-256 was "
            f"{then.sha256[:12]}… and is {now.weights.sha256[:12]}…; this run starts from what it "
            "holds now"
        )
