"""torch's optimizers, and a user's own: equal to torch's own use of them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from cifar_lab.engine.step import set_learning_rate, why_not_capturable
from cifar_lab.optim.from_torch import over_groups, torch_optimizer

NAMES = [
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam",
    "RMSprop", "Rprop", "SGD",
]  # fmt: skip


class Mine(torch.optim.SGD):
    def __init__(self, params, lr, strength):
        super().__init__(params, lr=lr * strength)


class Lateral(torch.optim.Optimizer):
    """Keeps its learning rate where no schedule finds it."""

    def __init__(self, params, lr):
        super().__init__(params, {})
        self.lr = lr

    def step(self, closure=None):
        pass


class Broken(torch.optim.SGD):
    def step(self, closure=None):
        raise KeyError("momentum_buffer")


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3)
    )


def trained(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 4) -> list:
    images = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    for step in range(steps):
        optimizer.zero_grad()
        model(images).square().mean().backward()
        set_learning_rate(optimizer, 0.01 / (step + 1))
        optimizer.step()
    return [p.detach() for p in model.parameters()]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_each_of_torchs_trains_as_torch_itself_would(name, fused):
    ours, theirs = net(), net()
    decay = 0.0 if name == "Rprop" else 0.1
    found = trained(ours, torch_optimizer(ours, name, 0.01, decay, True, fused))
    kind = getattr(torch.optim, name)
    extra = {} if name == "Rprop" else {"weight_decay": decay}
    expected = trained(theirs, kind(theirs.parameters(), lr=0.01, **extra))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_norms_and_biases_are_not_decayed_unless_asked_and_a_class_has_its_own_default():
    model = net()
    spared = over_groups(partial(torch.optim.AdamW, lr=0.1), model, False, False)
    assert [group["weight_decay"] for group in spared.param_groups] == [0.01, 0.0]
    assert all(p.ndim <= 1 for p in spared.param_groups[1]["params"])
    whole = over_groups(partial(torch.optim.AdamW, lr=0.1), model, True, False)
    assert [group["weight_decay"] for group in whole.param_groups] == [0.01]


def test_a_frozen_parameter_is_left_out():
    model = net()
    model[0].weight.requires_grad_(False)
    found = over_groups(partial(torch.optim.Adam, lr=0.1), model, True, False)
    assert not any(p is model[0].weight for p in found.param_groups[0]["params"])


def test_further_arguments_reach_the_class():
    found = torch_optimizer(net(), "RMSprop", 0.1, 0.0, False, False, alpha=0.5)
    assert found.defaults["alpha"] == 0.5


def test_a_class_of_a_users_own_is_built_and_its_steps_are_not_captured():
    found = over_groups(partial(Mine, lr=0.1, strength=2.0), net(), False, True)
    assert isinstance(found, Mine)
    assert found.param_groups[0]["lr"] == 0.2
    assert "Mine" in str(why_not_capturable(found))


def test_trying_a_step_leaves_the_model_as_it_is():
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    over_groups(partial(torch.optim.Adam, lr=0.1), model, False, False)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"name": "RMSProp"}, "did you mean 'RMSprop'"),
        ({"name": "LBFGS"}, "closure"),
        ({"name": "SparseAdam"}, "sparse"),
        ({"name": "Muon"}, r"0.weight \(4, 3, 3, 3\); use optimizer=muon"),
        ({"name": "RMSprop", "alpah": 0.5}, "did you mean 'alpha'.*the lab supplies params"),
        ({"name": "Rprop", "weight_decay": 0.1}, "has no weight decay"),
        ({"name": "Optimizer"}, "no such optimizer"),
    ],
)
def test_what_cannot_be_used_is_refused(words, told):
    values = {"weight_decay": 0.0, "lr": 0.1, "decay_norms_and_biases": False, **words}
    with pytest.raises(ValueError, match=told):
        torch_optimizer(net(), fused=False, **values)


def test_a_learning_rate_out_of_a_schedules_reach_is_refused():
    with pytest.raises(ValueError, match="keeps no 'lr' in its parameter groups"):
        over_groups(partial(Lateral, lr=0.1), net(), False, False)


def test_an_optimizer_that_fails_in_its_first_step_is_refused():
    with pytest.raises(ValueError, match="Broken failed in its first step: 'momentum_buffer'"):
        over_groups(partial(Broken, lr=0.1), net(), False, False)
