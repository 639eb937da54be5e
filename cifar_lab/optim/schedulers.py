"""Schedulers of torch and timm: their learning rates are worked out before the run.

A real scheduler is stepped on an optimizer that trains nothing. Its rates, and the momentum where
it cycles that too, can then be drawn, checked and resumed like those of the project's own
schedules.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from cifar_lab.contracts import PER_STEP, RUN_LENGTH, parameters_of
from cifar_lab.optim.eager import eager
from cifar_lab.optim.listed import Listed, checked_rates


def of_torch(
    make: Callable[..., Any],
    kind: Any,
    lr: float,
    epochs: int,
    steps_per_epoch: int,
    every: str | None,
) -> Listed:
    """Work out the learning rates of one of torch's schedulers, or of one derived from them.

    Args:
        make: its class with the arguments of the YAML.
        kind: the class.
        lr: the optimizer's learning rate, from which most schedulers start.
        epochs: length of the run.
        steps_per_epoch: updates in a whole epoch.
        every: ``epoch`` steps it after each epoch, ``step`` after each update; None is ``step`` for
            OneCycleLR and CyclicLR, and ``epoch`` for all others.

    Raises:
        ValueError: an argument does not fit the run, or a rate is not a finite number.
    """
    name = kind.__name__
    if every is None:
        every = "step" if any(c.__name__ in PER_STEP for c in kind.__mro__) else "epoch"
    per_step = every == "step"
    count = epochs * steps_per_epoch if per_step else epochs
    length = {"total_steps": count, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
    if not per_step:  # an epoch is then its step
        length["steps_per_epoch"] = 1
    given = getattr(make, "keywords", {})
    _refuse_other_length(given, length, every)
    known = {**length, "T_max": count, "cycle_momentum": False}
    asked = parameters_of(kind)
    supplied = {k: v for k, v in known.items() if k in asked and k not in given}
    optimizer = _idle_optimizer(lr)
    stepped = list(_stepped(make(optimizer=optimizer, **supplied), optimizer, count))
    return Listed(
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        rates=checked_rates((rate for rate, _ in stepped), name, every),
        steps_per_rate=1 if per_step else steps_per_epoch,
        described=f"{name}, stepped after every {'update' if per_step else 'epoch'} "
        f"(scheduler.every={every})",
        momenta=tuple(float(m) for _, m in stepped) if given.get("cycle_momentum") else None,
    )


def of_timm(
    make: Callable[..., Any], kind: Any, lr: float, epochs: int, steps_per_epoch: int
) -> Listed:
    """Work out the learning rates of one of timm's schedulers, stepped as its ``train.py`` does.

    Args:
        make: its class with the arguments of the YAML; ``t_initial`` is by default the run's
            length, in epochs or, with ``t_in_epochs=false``, in updates.
        kind, lr, epochs, steps_per_epoch: as for :func:`of_torch`.
    """
    given, steps = getattr(make, "keywords", {}), epochs * steps_per_epoch
    in_epochs = given.get("t_in_epochs", True)
    supplied = {}
    if "t_initial" in parameters_of(kind) and "t_initial" not in given:
        supplied["t_initial"] = epochs if in_epochs else steps
    optimizer = _idle_optimizer(lr)
    scheduler = make(optimizer=optimizer, **supplied)

    def rates() -> Iterator[Any]:
        for step in range(steps):
            if step > 0:
                scheduler.step_update(step)
            if step > 0 and step % steps_per_epoch == 0:
                scheduler.step(step // steps_per_epoch)
            yield optimizer.param_groups[0]["lr"]

    return Listed(
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        rates=checked_rates(rates(), kind.__name__, "step"),
        steps_per_rate=1,
        described=f"{kind.__name__}, stepped after every {'epoch' if in_epochs else 'update'}",
    )


def _refuse_other_length(given: dict[str, Any], length: dict[str, int], every: str) -> None:
    """Refuse a length of the run that is not this run's."""
    words = {"total_steps": f"{every}s to schedule", "steps_per_epoch": "of them per epoch"}
    wrong = [key for key in sorted(RUN_LENGTH) if given.get(key) not in (None, length[key])]
    if wrong:
        raise ValueError(
            "; ".join(
                f"{key}={given[key]}, but this run has {length[key]:,} {words.get(key, key)}"
                for key in wrong
            )
            + "; remove it, as the lab supplies the length of the run"
        )


def _idle_optimizer(lr: float) -> torch.optim.Optimizer:
    # Schedulers of some kinds look for a momentum.
    return eager(torch.optim.SGD)([torch.nn.Parameter(torch.zeros(()))], lr=lr, momentum=0.9)


def _stepped(
    scheduler: Any, optimizer: torch.optim.Optimizer, count: int
) -> Iterator[tuple[Any, Any]]:
    """Yield learning rate and momentum before the first step and after each but the last."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the order of two steps, which is as it should be
        for number in range(count):
            if number > 0:
                optimizer.step()
                scheduler.step()
            group = optimizer.param_groups[0]
            yield group["lr"], group["momentum"]
