"""Schedules by a function of the step."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from cifar_lab.optim.listed import of_function, origin
from cifar_lab.optim.schedules import Constant


def made(function, lr=0.5, **arguments):
    return of_function(partial(function, **arguments), function.__name__, lr, 3, 4)


def test_the_rates_are_those_of_the_function():
    def rate(step: int, steps: int, *, peak: float) -> float:
        return peak * (1 - step / steps)

    found = made(rate, peak=2.0)
    assert found.total_steps == 12
    assert [found.learning_rate(s) for s in range(12)] == [2.0 * (1 - s / 12) for s in range(12)]
    assert "rate" in origin(found)
    assert origin(Constant(epochs=1, steps_per_epoch=1, max_lr=0.1)) == ""


def test_a_function_gets_what_it_asks_for_by_name():
    def rate(step, steps, *, epochs, steps_per_epoch, total_steps, lr):
        assert (steps, total_steps, epochs, steps_per_epoch) == (12, 12, 3, 4)
        return lr * 0.5 ** (step // steps_per_epoch)

    found = made(rate)
    assert [found.learning_rate(s) for s in (0, 3, 4, 11)] == [0.5, 0.5, 0.25, 0.125]


def test_a_value_of_the_yaml_wins_over_the_optimizers_rate():
    def rate(step, lr):
        return lr

    assert made(rate, lr=0.5).learning_rate(0) == 0.5
    assert of_function(partial(rate, lr=0.1), "rate", 0.5, 1, 1).learning_rate(0) == 0.1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.nan, "gives nan for step 3"),
        (-0.1, "gives -0.1 for step 3"),
        (math.inf, "gives inf"),
        (None, "gives None"),
        ("fast", "gives 'fast'"),
    ],
)
def test_anything_but_a_finite_rate_is_refused(value, told):
    def rate(step):
        return value if step == 3 else torch.tensor(0.1)

    with pytest.raises(ValueError, match=told):
        made(rate)


def test_a_function_that_fails_is_refused_with_the_step():
    def rate(step):
        return 1 / (4 - step)

    with pytest.raises(ValueError, match=r"rate\(step=4, …\) raised ZeroDivisionError"):
        made(rate)
