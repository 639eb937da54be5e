"""Optimizers and schedulers of torch and of a user's own, as a configuration names them."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from cifar_lab.assembly import updates
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.config.signatures import SUPPLIED, node_problems
from cifar_lab.own_code import OwnCode

MODULE = """
import torch
def make(model, lr):
    return torch.optim.SGD(model.parameters(), lr=lr)
def rate(step, steps, *, peak, lr):
    return peak * lr * (1 - step / steps)
class Mine(torch.optim.Adam):
    def __init__(self, params, lr, strength):
        super().__init__(params, lr=lr * strength)
def three(model, lr):
    return 3
def nothing(epochs, steps_per_epoch):
    return 3
"""
TORCH = "torch.optim.lr_scheduler"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_updates.py").write_text(MODULE)
    code = OwnCode((folder,))
    code.make_importable()
    yield code
    sys.modules.pop("own_updates", None)
    sys.path.remove(str(folder))


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5))


def optimizer(node, factor=1.0):
    return updates.optimizer(node, net(), 5, True, factor)


def rates(node, lr=0.5):
    found = updates.schedule(node, lr, epochs=3, steps_per_epoch=2)
    return [found.learning_rate(step) for step in range(6)]


@pytest.mark.parametrize(("found", "expected"), [(None, 1.0), (0.25, 0.25)])
def test_a_maximum_that_is_to_be_found_is_one_until_then(found, expected):
    words = ["scheduler=constant", "scheduler.max_lr=find"]
    node = job_part(Composer().compose(words))["scheduler"]
    schedule = updates.schedule(node, 0.1, epochs=2, steps_per_epoch=3, max_lr=found)
    assert [schedule.learning_rate(step) for step in range(6)] == [expected] * 6
    assert node["max_lr"] == "find"


def test_an_optimizer_of_torch_is_built_as_it_is_over_the_groups_of_the_lab():
    node = {"_target_": "torch.optim.RMSprop", "lr": 0.1, "alpha": 0.9, "weight_decay": 0.2}
    found = optimizer(node)
    assert isinstance(found, torch.optim.RMSprop)
    assert [(g["weight_decay"], g["alpha"]) for g in found.param_groups] == [(0.2, 0.9), (0, 0.9)]
    whole = optimizer({**node, "decay_norms_and_biases": True})
    assert [g["weight_decay"] for g in whole.param_groups] == [0.2]
    assert len(optimizer(node, 10.0).param_groups) == 4


def test_an_optimizer_of_a_users_own_is_a_class_or_a_function_of_the_model(own):
    found = optimizer({"_target_": "own_updates.Mine", "lr": 0.1, "strength": 2.0})
    assert found.param_groups[0]["lr"] == 0.2
    made = optimizer({"_target_": "own_updates.make", "lr": 0.1})
    assert isinstance(made, torch.optim.SGD)
    with pytest.raises(TypeError, match="gives int, but Optimizer is needed"):
        optimizer({"_target_": "own_updates.three", "lr": 0.1})


def test_a_scheduler_of_torch_starts_from_the_optimizers_rate():
    node = {"_target_": f"{TORCH}.ExponentialLR", "gamma": 0.5}
    assert rates(node) == [0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    assert rates({**node, "every": "step"}) == [0.5 * 0.5**step for step in range(6)]
    with pytest.raises(ValueError, match=r"ExponentialLR starts from optimizer\.lr"):
        rates(node, lr=None)


def test_a_maximum_that_is_found_reaches_torchs_one_cycle():
    node = {"_target_": f"{TORCH}.OneCycleLR", "max_lr": "find"}
    for found, top in ((None, 1.0), (0.25, 0.25)):
        schedule = updates.schedule(node, 0.5, 10, 10, found)
        assert max(map(schedule.learning_rate, range(100))) == pytest.approx(top, rel=0.01)


def test_a_function_of_the_step_is_a_schedule(own):
    node = {"_target_": "own_updates.rate", "peak": 2.0}
    assert rates(node) == pytest.approx([1 - step / 6 for step in range(6)])
    with pytest.raises(TypeError, match="a function of the step"):
        updates.schedule({"_target_": "own_updates.nothing"}, 0.1, 1, 1)


def told(group, node, own) -> list[str]:
    return [text for _, text in node_problems(group, node, SUPPLIED[group], own=own)]


def test_a_check_says_what_the_yaml_gives_and_what_the_lab_supplies(own):
    assert told("optimizer", {"_target_": "torch.optim.RMSprop", "lr": 0.1}, own) == []
    assert told("optimizer", {"_target_": "torch.optim.RMSprop"}, own) == [
        "optimizer.lr is missing; RMSprop needs it"
    ]
    (sentence,) = told("optimizer", {"_target_": "own_updates.Mine", "lr": 1, "power": 2}, own)[:1]
    assert sentence == (
        "optimizer.power: Mine has no argument 'power'; its arguments are: lr, strength, "
        "decay_norms_and_biases; the lab supplies params"
    )
    given = {"_target_": "torch.optim.Adam", "lr": 1, "params": []}
    assert told("optimizer", given, own)[0].startswith(
        "optimizer.params: the lab supplies this argument of Adam; remove it"
    )
    assert told("scheduler", {"_target_": "own_updates.rate", "peak": 1.0}, own) == []
    assert told("scheduler", {"_target_": "own_updates.rate"}, own) == [
        "scheduler.peak is missing; rate needs it"
    ]
    every = {"_target_": f"{TORCH}.StepLR", "step_size": 1, "every": "batch"}
    assert told("scheduler", every, own) == ["scheduler.every=batch: must be 'step' or 'epoch'"]
    assert "def rate(step" in told("scheduler", {"_target_": f"{TORCH}.LambdaLR"}, own)[0]
