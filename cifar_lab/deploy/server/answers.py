"""From logits to what a request is answered with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_lab import __version__
from cifar_lab.analysis.predictions import most_probable
from cifar_lab.deploy.description import Description, Scores
from cifar_lab.deploy.server.rejected import Rejected
from cifar_lab.deploy.usage import TYPICAL_SHARE

#: Classes that are listed unless a request asks for another number.
TOP = 5


def top_of(words: dict[str, str], classes: int) -> int:
    """Return how many classes a request asks for.

    Args:
        words: of the query.
        classes: of the network.

    Raises:
        Rejected: another word was given, or the number is not one of these.
    """
    unknown = sorted(words.keys() - {"top"})
    if unknown:
        raise Rejected(400, f"{unknown[0][:60]} is unknown: the query may say top=K only")
    given = words.get("top", str(min(TOP, classes)))
    top = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    if not 1 <= top <= classes:
        raise Rejected(400, f"top={given[:60]}: must be a whole number from 1 to {classes}")
    return top


def predictions(
    logits: NDArray[np.float32],
    far: NDArray[np.bool_] | None,
    names: tuple[str, ...],
    top: int,
) -> dict[str, Any]:
    """Format what the network makes of each image.

    Args:
        logits: float32 ``(n, classes)``.
        far: bool ``(n,)``; None if nothing is known about it.
        names: of the classes.
        top: how many classes to list, the most probable first.

    Raises:
        Rejected: a logit is not a finite number.
    """
    if not np.isfinite(logits).all():
        raise Rejected(500, "the network computed logits that are not finite numbers")
    found = [
        {
            "predicted": ranked[0].name,
            "probabilities": {each.name: each.probability for each in ranked},
            "far": None if far is None else bool(far[row]),
        }
        for row, ranked in enumerate(most_probable(logits, names, top))
    ]
    return {"predictions": found}


def model(description: Description) -> dict[str, Any]:
    """Describe the network."""
    usage = description.usage
    return {
        "name": description.name,
        "run": description.run,
        "created": description.created,
        "made_with": description.made_with,
        "version": __version__,
        "classes": list(usage.class_names),
        "preprocessing": {
            "channels": "RGB",
            "height": usage.image_size[0],
            "width": usage.image_size[1],
            "resize": "bicubic",
            "mean": list(usage.mean),
            "std": list(usage.std),
            "precision": usage.precision,
            "flips": usage.flips,
        },
        "figures": {
            "parameters": description.parameters,
            "test": _scores(description.test),
            "validation": _scores(description.validation),
        },
        "far": None
        if usage.energy_limit is None
        else {
            "energy_limit": usage.energy_limit,
            "share_below": TYPICAL_SHARE,
            "validation_images": usage.energy_images,
        },
    }


def _scores(scores: Scores | None) -> dict[str, Any] | None:
    if scores is None:
        return None
    return {"accuracy": scores.accuracy, "loss": scores.loss, "images": scores.count}
