"""Schedulers of torch and timm: the rates of a plain training loop that steps them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from timm.scheduler import CosineLRScheduler, StepLRScheduler
from torch.optim import lr_scheduler

from cifar_lab.optim.schedulers import of_timm, of_torch

EPOCHS, STEPS = 6, 5
LR = 0.4


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR, momentum=0.9)


def plain_loop(make, per_step: bool) -> list[float]:
    """The rate of every update, as torch's documentation writes the loop."""
    updated = optimizer()
    scheduler = make(updated)
    rates = []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            rates.append(updated.param_groups[0]["lr"])
            updated.step()
            if per_step:
                scheduler.step()
        if not per_step:
            scheduler.step()
    return rates


def rates(schedule) -> list[float]:
    return [schedule.learning_rate(step) for step in range(schedule.total_steps)]


KINDS = {
    "ExponentialLR": {"gamma": 0.9},
    "StepLR": {"step_size": 2, "gamma": 0.5},
    "MultiStepLR": {"milestones": [2, 4]},
    "ConstantLR": {"factor": 0.5, "total_iters": 3},
    "LinearLR": {"total_iters": 4},
    "PolynomialLR": {"total_iters": 6, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 6},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
}


@pytest.mark.parametrize("every", ["step", "epoch", None])
@pytest.mark.parametrize("name", KINDS)
def test_the_rates_are_those_of_a_plain_loop(name, every):
    kind = getattr(lr_scheduler, name)
    found = of_torch(partial(kind, **KINDS[name]), kind, LR, EPOCHS, STEPS, every)
    assert rates(found) == plain_loop(lambda o: kind(o, **KINDS[name]), every == "step")
    assert (found.epochs, found.steps_per_epoch) == (EPOCHS, STEPS)


def test_one_cycle_and_cyclic_are_stepped_after_every_update_and_know_the_runs_length():
    kind = lr_scheduler.OneCycleLR
    found = of_torch(partial(kind, max_lr=1.0), kind, LR, EPOCHS, STEPS, None)
    expected = plain_loop_without_last(
        lambda o: kind(o, 1.0, total_steps=EPOCHS * STEPS, cycle_momentum=False)
    )
    assert rates(found) == expected
    assert "scheduler.every=step" in found.described
    kind = lr_scheduler.CyclicLR
    words = {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 4}
    found = of_torch(partial(kind, **words), kind, LR, EPOCHS, STEPS, None)
    assert rates(found) == plain_loop(lambda o: kind(o, **words, cycle_momentum=False), True)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (lr_scheduler.OneCycleLR, {"max_lr": 1.0, "base_momentum": 0.8}),
        (lr_scheduler.CyclicLR, {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 4}),
    ],
)
def test_a_momentum_that_is_cycled_is_that_of_a_plain_loop(kind, words):
    make = partial(kind, **words, cycle_momentum=True)
    found = of_torch(make, kind, LR, EPOCHS, STEPS, None)
    length = {"total_steps": EPOCHS * STEPS} if kind is lr_scheduler.OneCycleLR else {}
    expected = plain_loop_without_last(lambda o: make(o, **length), "momentum")
    assert [found.cycled_momentum(step) for step in range(EPOCHS * STEPS)] == expected
    assert len(set(expected)) >= 5
    uncycled = of_torch(partial(kind, **words), kind, LR, EPOCHS, STEPS, None)
    assert uncycled.cycled_momentum(3) is None


def plain_loop_without_last(make, key: str = "lr") -> list[float]:
    updated = optimizer()
    scheduler, found = make(updated), []
    for step in range(EPOCHS * STEPS):
        if step > 0:
            updated.step()
            scheduler.step()
        found.append(updated.param_groups[0][key])
    return found


def test_the_length_of_a_cosine_is_by_default_that_of_the_run():
    kind = lr_scheduler.CosineAnnealingLR
    for every, count in (("epoch", EPOCHS), ("step", EPOCHS * STEPS)):
        found = of_torch(partial(kind), kind, LR, EPOCHS, STEPS, every)
        expected = plain_loop(lambda o, n=count: kind(o, T_max=n), every == "step")
        assert rates(found) == expected


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"total_steps": 100}, "total_steps=100, but this run has 30 steps to schedule"),
        ({"epochs": 3, "steps_per_epoch": 5}, "epochs=3, but this run has 6 epochs"),
        ({"steps_per_epoch": 9}, "steps_per_epoch=9, but this run has 5"),
    ],
)
def test_a_length_that_does_not_fit_the_run_is_refused_with_both_numbers(words, told):
    kind = lr_scheduler.OneCycleLR
    with pytest.raises(ValueError, match=told):
        of_torch(partial(kind, max_lr=1.0, **words), kind, LR, EPOCHS, STEPS, None)


def test_a_length_that_fits_may_be_given():
    kind = lr_scheduler.OneCycleLR
    short = of_torch(partial(kind, max_lr=1.0), kind, LR, EPOCHS, STEPS, None)
    for words in ({"total_steps": 30}, {"epochs": 6, "steps_per_epoch": 5}):
        found = of_torch(partial(kind, max_lr=1.0, **words), kind, LR, EPOCHS, STEPS, None)
        assert rates(found) == rates(short)


def test_a_rate_below_zero_is_refused():
    kind = lr_scheduler.ExponentialLR
    with pytest.raises(ValueError, match=r"gives -0\.4 for epoch 1"):
        of_torch(partial(kind, gamma=-1.0), kind, LR, EPOCHS, STEPS, None)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (CosineLRScheduler, {"t_initial": EPOCHS, "warmup_t": 2, "warmup_lr_init": 0.01}),
        (CosineLRScheduler, {"t_initial": EPOCHS * STEPS, "t_in_epochs": False, "warmup_t": 7}),
        (StepLRScheduler, {"decay_t": 2, "decay_rate": 0.5}),
    ],
)
def test_timms_rates_are_those_of_timms_own_loop(kind, words):
    updated = optimizer()
    scheduler, expected, updates = kind(updated, **words), [], 0
    for epoch in range(EPOCHS):  # as in timm's train.py
        for _ in range(STEPS):
            expected.append(updated.param_groups[0]["lr"])
            updates += 1
            scheduler.step_update(num_updates=updates)
        scheduler.step(epoch + 1)
    assert rates(of_timm(partial(kind, **words), kind, LR, EPOCHS, STEPS)) == expected


def test_timms_cosine_is_by_default_as_long_as_the_run():
    short = {"t_initial": EPOCHS}
    given = of_timm(partial(CosineLRScheduler, **short), CosineLRScheduler, LR, EPOCHS, STEPS)
    assert rates(of_timm(partial(CosineLRScheduler), CosineLRScheduler, LR, EPOCHS, STEPS)) == (
        rates(given)
    )
