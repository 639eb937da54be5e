"""What is planned differently for a run that extends another one."""

from __future__ import annotations

from typing import Any

from cifar_lab.assembly import updates
from cifar_lab.optim.continued import Continued
from cifar_lab.optim.schedules import Schedule
from cifar_lab.refusal import Refusal


def epochs_before(config: dict[str, Any]) -> int:
    """Return how many epochs the run has completed that this one extends; 0 if there is none."""
    return int((config.get("extends") or {}).get("epochs", 0))


def planned(
    config: dict[str, Any], epochs: int, steps_per_epoch: int, max_lr: float | None = None
) -> Schedule:
    """Build the schedule of a run that may extend another one.

    Args:
        config: of the run.
        epochs: number of epochs, those of an earlier run included.
        steps_per_epoch, max_lr: as for :func:`cifar_lab.assembly.updates.schedule`.

    Raises:
        Refusal: no epoch is added.
    """
    before = epochs_before(config)
    if before and epochs <= before:
        raise Refusal(
            f"trainer.epochs={epochs} is the total, and the extended run has completed {before} "
            "epochs already; choose more"
        )
    lr = config["optimizer"].get("lr")
    added = updates.schedule(config["scheduler"], lr, epochs - before, steps_per_epoch, max_lr)
    return Continued(schedule=added, epochs_before=before) if before else added
