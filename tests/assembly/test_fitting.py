"""Values that need a longer run are refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.assembly.fitting import (
    refuse_endless_run,
    refuse_idle_freezing,
    refuse_image_sizes,
    refuse_no_momentum,
    refuse_nothing_evaluated,
    refuse_values_beyond_the_run,
)
from cifar_lab.optim.schedules import OneCycle
from cifar_lab.refusal import Refusal
from tests.engine.plans import make_plan


@pytest.mark.parametrize(
    ("changes", "steps", "told"),
    [
        ({"ema_decay": 0.9999, "ema_warmup": False}, 22, "averages over about 10,000 steps, but"),
        (
            {"freeze_after_epochs": {"stem": 5}},
            22,
            "freeze_after_epochs.stem=5: a run of 5",
        ),
        ({"early_stopping_patience": 5}, 22, "early_stopping_patience=5 never stops a run of 5"),
    ],
)
def test_a_value_that_needs_a_longer_run_is_refused(changes, steps, told):
    with pytest.raises(Refusal, match=told):
        refuse_values_beyond_the_run(make_plan(epochs=5, **changes), steps)


def test_a_value_that_the_run_is_long_enough_for_is_not_refused():
    plan = make_plan(
        epochs=5,
        ema_decay=0.9,
        ema_warmup=False,
        freeze_after_epochs={"stem": 4},
        early_stopping_patience=4,
    )
    refuse_values_beyond_the_run(plan, 11)
    refuse_values_beyond_the_run(make_plan(ema_decay=0.9999), 22)  # warms up


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ([], "first pair must be of epoch 0"),
        ([(1, 24)], "first pair must be of epoch 0"),
        ([(0, 24), (0, 28)], "epochs must be in ascending order"),
        ([(0, 24), (3, 28), (2, 32)], "epochs must be in ascending order"),
        ([(0, 24), (5, 32)], "epoch 5 is not reached by a run of 5 epochs"),
        ([(0, 7)], "7 pixels are fewer than 8"),
        ([(0, 24), (2, 33)], "33 pixels are more than the 32 of the data set's images"),
    ],
)
def test_sizes_that_images_cannot_be_trained_in_are_refused(sizes, told):
    with pytest.raises(Refusal, match=rf"^trainer.image_sizes=\[.*\]: .*{told}") as refused:
        refuse_image_sizes(make_plan(epochs=5, image_sizes=sizes), (40, 32))
    assert len(refused.value.problems) == 1


def test_sizes_that_fit_the_run_and_the_images_are_not_refused():
    refuse_image_sizes(make_plan(), (32, 32))
    refuse_image_sizes(make_plan(epochs=5, image_sizes=((0, 8), (4, 32))), (32, 40))
    refuse_image_sizes(make_plan(image_sizes=((0, 64),)), None)  # not known yet


def test_cycling_needs_an_optimizer_with_a_momentum():
    weights = [nn.Parameter(torch.zeros(1))]
    length = {"epochs": 5, "steps_per_epoch": 2, "max_lr": 1, "peak_epoch": None}
    ends = {"div_factor": 10, "final_div_factor": 1, "base_momentum": 0.85, "max_momentum": 0.95}
    cycled, plain = (OneCycle(**length, **ends, cycle_momentum=each) for each in (True, False))
    for optimizer in (torch.optim.Adam(weights), torch.optim.SGD(weights)):
        refuse_no_momentum(cycled, optimizer)
    refuse_no_momentum(plain, torch.optim.Adagrad(weights))
    with pytest.raises(Refusal, match="cycle_momentum=true: Adagrad has neither betas nor a"):
        refuse_no_momentum(cycled, torch.optim.Adagrad(weights))


def test_a_run_that_evaluates_nothing_is_refused():
    for evaluate_test, validated in ((True, False), (False, True), (False, None)):
        refuse_nothing_evaluated(evaluate_test, validated)
    with pytest.raises(Refusal, match=r"evaluate_test=false .+ dataset\.validation_fraction=0\.1"):
        refuse_nothing_evaluated(evaluate_test=False, validated=False)


def test_a_run_of_more_steps_than_can_be_listed_is_refused():
    refuse_endless_run(make_plan(epochs=50_000), steps_per_epoch=100)
    with pytest.raises(Refusal, match="epochs=50001: 5,000,100 steps are more than the 5,000,000"):
        refuse_endless_run(make_plan(epochs=50_001), steps_per_epoch=100)


def test_freezing_must_match_parameters_and_leave_some_to_train():
    model = nn.ModuleDict({"body": nn.Linear(2, 2), "head": nn.Linear(2, 2)})
    refuse_idle_freezing({"body": 0, "head.bias": 1}, model)
    with pytest.raises(Refusal, match="begins with 'bodi'; the names begin with: body, head"):
        refuse_idle_freezing({"bodi": 0}, model)
    with pytest.raises(Refusal, match=r"freezes every parameter after 3 epochs, .+: body, head"):
        refuse_idle_freezing({"body": 0, "head": 3}, model)
    model["head"].requires_grad_(False)  # by the model itself, as a fixed first layer is
    with pytest.raises(Refusal, match="freezes every parameter"):
        refuse_idle_freezing({"body": 0}, model)
