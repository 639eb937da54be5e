"""A learning rate of its own for the last layer, with every optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.engine.step import set_learning_rate
from cifar_lab.optim import muon, sgd, timm_optimizer, torch_optimizer
from cifar_lab.optim.head import scale_head

MAKERS = {
    "sgd": lambda model: sgd(model, 0.1, 0.9, True, 0.1, False, False),
    "whole": lambda model: sgd(model, 0.1, 0.9, True, 0.1, True, False),
    "muon": lambda model: muon(model, 0.1, 0.9, 2, 0.05, 0.05, 0.9, 0.1, False),
    "torch": lambda model: torch_optimizer(model, "NAdam", 0.1, 0.1, False, False),
    "lookahead": lambda model: timm_optimizer(model, "lookahead_lamb", 0.1, 0.1, 0.9, False, False),
}


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 5))


def rates(optimizer: torch.optim.Optimizer) -> dict[int, float]:
    return {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}


@pytest.mark.parametrize("name", MAKERS)
def test_only_the_heads_rates_are_multiplied_at_every_rate_of_a_schedule(name):
    model = net()
    plain, scaled = MAKERS[name](model), MAKERS[name](model)
    scale_head(scaled, model, 5, 10.0)
    head = {id(p) for p in model[3].parameters()}
    for rate in (None, 0.02, 0.3):
        for optimizer in (plain, scaled) if rate is not None else ():
            set_learning_rate(optimizer, rate)
        before, after = rates(plain), rates(scaled)
        assert before.keys() == after.keys()
        for key, value in before.items():
            assert after[key] == pytest.approx(value * (10 if key in head else 1))


@pytest.mark.parametrize("name", MAKERS)
def test_the_divided_groups_train_and_a_state_fits_an_optimizer_built_again(name):
    model = net()
    optimizer = MAKERS[name](model)
    scale_head(optimizer, model, 5, 10.0)
    model(torch.randn(2, 3, 4, 4)).square().mean().backward()
    optimizer.step()
    again = MAKERS[name](model)
    scale_head(again, model, 5, 10.0)
    again.load_state_dict(optimizer.state_dict())
    assert rates(again) == rates(optimizer)


def test_a_step_with_a_factor_moves_the_head_further_by_that_factor():
    one, ten = net(), net()
    for model, factor in ((one, 1.0), (ten, 10.0)):
        optimizer = sgd(model, 0.1, 0.0, False, 0.0, False, False)
        scale_head(optimizer, model, 5, factor)
        model(torch.ones(2, 3, 4, 4)).sum().backward()
        optimizer.step()
    start = net()
    torch.testing.assert_close(
        ten[3].bias - start[3].bias, 10 * (one[3].bias - start[3].bias), rtol=1e-5, atol=1e-6
    )
    assert torch.equal(one[0].weight, ten[0].weight)


def test_a_model_without_such_a_layer_is_refused():
    model = net()
    with pytest.raises(ValueError, match="one output for each of the 7 classes"):
        scale_head(MAKERS["sgd"](model), model, 7, 2.0)
    scale_head(MAKERS["sgd"](model), model, 7, 1.0)  # nothing to scale
