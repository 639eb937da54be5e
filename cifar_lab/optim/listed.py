"""Schedules whose learning rates are worked out in advance, e.g. by a function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cifar_lab.contracts import parameters_of
from cifar_lab.optim.schedules import RunLength, Schedule


@dataclass(frozen=True, kw_only=True)
class Listed(RunLength):
    """Learning rates one by one.

    Attributes:
        rates: the learning rates, finite and not negative, each for ``steps_per_rate`` updates.
        steps_per_rate: 1, or the updates of an epoch.
        described: where they come from, for messages.
        momenta: the momentum that belongs to each rate; None leaves the optimizer's as it is.
    """

    rates: tuple[float, ...]
    steps_per_rate: int
    described: str
    momenta: tuple[float, ...] | None = None

    def learning_rate(self, step: int) -> float:
        """The rate that is listed for the step."""
        self._refuse_beyond(step)
        return self.rates[step // self.steps_per_rate]

    def cycled_momentum(self, step: int) -> float | None:
        """The momentum that is listed for the step; None if none is."""
        self._refuse_beyond(step)
        return None if self.momenta is None else self.momenta[step // self.steps_per_rate]


def origin(schedule: Schedule) -> str:
    """End a description with where the learning rates come from; empty for the project's own."""
    return f"; from {schedule.described}" if isinstance(schedule, Listed) else ""


def of_function(
    function: Callable[..., Any], name: str, lr: float | None, epochs: int, steps_per_epoch: int
) -> Listed:
    """Call a function of the step for every update of the run.

    Args:
        function: takes ``step`` (from 0) and, where it asks for them, ``steps`` (of the whole run;
            also ``total_steps``), ``epochs``, ``steps_per_epoch`` and ``lr``; returns the learning
            rate.
        name: the function's name.
        lr: the optimizer's learning rate; None if it has none.
        epochs: length of the run.
        steps_per_epoch: updates in a whole epoch.

    Raises:
        ValueError: the function fails, or returns anything but a finite number of at least 0.
    """
    steps = epochs * steps_per_epoch
    known = {
        "steps": steps,
        "total_steps": steps,
        "epochs": epochs,
        "steps_per_epoch": steps_per_epoch,
        **({} if lr is None else {"lr": lr}),
    }
    given = getattr(function, "keywords", {})
    asked = parameters_of(getattr(function, "func", function))
    supplied = {k: v for k, v in known.items() if k in asked and k not in given}

    def rate(step: int) -> Any:
        try:
            return function(step=step, **supplied)
        except Exception as error:  # a user's own may raise anything
            reason = " ".join(str(error).split())
            raise ValueError(
                f"{name}(step={step}, …) raised {type(error).__name__}: {reason}"
            ) from error

    return Listed(
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        rates=checked_rates(map(rate, range(steps)), name, "step"),
        steps_per_rate=1,
        described=f"{name}, called for every step",
    )


def checked_rates(rates: Iterable[Any], name: str, unit: str) -> tuple[float, ...]:
    """Return learning rates as floats.

    Raises:
        ValueError: one is not a finite number of at least 0.
    """
    checked = []
    for number, rate in enumerate(rates):
        try:
            value = float(rate)
        except (TypeError, ValueError, RuntimeError):
            value = math.nan
        if not math.isfinite(value) or value < 0:
            raise ValueError(
                f"{name} gives {rate!r} for {unit} {number}, but a learning rate must be a finite "
                "number of at least 0"
            )
        checked.append(value)
    return tuple(checked)
