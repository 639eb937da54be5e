"""Values that need a longer run are refused."""

from __future__ import annotations

import pytest
from torch import nn

from cifar_lab.assembly.fitting import (
    refuse_endless_run,
    refuse_idle_freezing,
    refuse_nothing_evaluated,
    refuse_values_beyond_the_run,
)
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
