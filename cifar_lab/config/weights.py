"""Replaces what ``model.weights`` says, such as ``best``, by the path that it means now."""

from __future__ import annotations

from omegaconf import OmegaConf

from cifar_lab.config.preflight import Preflight
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS
from cifar_lab.run.weights import KEY, place_of


def pin_weights(found: Preflight) -> str | None:
    """Replace the value once, before anything is written, so that later runs change nothing.

    A run or a file that does not exist is added to the problems.

    Args:
        found: a checked configuration.

    Returns:
        The path of a run's folder or of a file; None if there are no weights to load.
    """
    model = found.job().get("model")
    named = model.get("weights") if isinstance(model, dict) else None
    if not isinstance(named, str) or KEY in found.groups:
        return None
    try:
        place = place_of(OUTPUTS, named)
    except Refusal as refusal:
        for problem in refusal.problems:
            found.add(KEY, problem)
        return None
    if place != named:
        OmegaConf.update(found.config, KEY, place)
        if found.values is not None:
            found.values[1].values["model"]["weights"] = place
    return place
