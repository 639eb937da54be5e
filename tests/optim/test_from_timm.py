"""timm's optimizers: equal to torch's for the same algorithm, and a common contract for all."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from timm.optim import list_optimizers
from torch import nn

from cifar_lab.engine.step import set_learning_rate, why_not_capturable
from cifar_lab.optim.from_timm import REFUSED, timm_optimizer
from cifar_lab.optim.optimizers import adam, adamw, sgd

LR, DECAY = 0.01, 0.1
BETAS, EPS = (0.9, 0.999), 1e-8
REFUSED_NAMES = [n for n in list_optimizers() if n.startswith(tuple(REFUSED)) or n == "adahessian"]
ACCEPTED = [n for n in list_optimizers() if n not in REFUSED_NAMES]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("spare", [False, True])
@pytest.mark.parametrize(
    ("opt", "theirs"),
    [
        ("adamw", lambda model, *rest: adamw(model, LR, BETAS, EPS, DECAY, *rest)),
        ("adam", lambda model, *rest: adam(model, LR, BETAS, EPS, DECAY, *rest)),
        ("sgd", lambda model, *rest: sgd(model, LR, 0.9, True, DECAY, *rest)),
        ("momentum", lambda model, *rest: sgd(model, LR, 0.9, False, DECAY, *rest)),
    ],
)
def test_torchs_own_are_those_of_our_other_options(opt, theirs, spare, fused):
    model, other = net(), net()
    train(model, make(model, opt, decay_norms_and_biases=not spare, fused=fused))
    train(other, theirs(other, not spare, fused))
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(other), strict=True))


@pytest.mark.parametrize(
    ("opt", "theirs"),
    [
        ("nadam", torch.optim.NAdam),
        ("radam", torch.optim.RAdam),
        ("adamax", torch.optim.Adamax),
        ("adadelta", torch.optim.Adadelta),
    ],
)
def test_torchs_others_are_torchs(opt, theirs):
    model, other = net(), net()
    train(model, make(model, opt))
    train(other, theirs(other.parameters(), lr=LR, weight_decay=DECAY))
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(other), strict=True))


def test_lion_equals_its_paper():
    # Chen et al., https://arxiv.org/abs/2302.06675, algorithm 2.
    model = nn.Linear(3, 2, bias=False)
    weight, momentum = model.weight.detach().clone(), torch.zeros(2, 3)
    optimizer = make(model, "lion")
    for number in range(3):
        gradient = gradients(model, number)[0]
        update = (0.9 * momentum + 0.1 * gradient).sign()
        weight = weight - LR * (update + DECAY * weight)
        momentum = 0.99 * momentum + 0.01 * gradient
        optimizer.step()
    torch.testing.assert_close(model.weight.detach(), weight)


@pytest.mark.parametrize("opt", [*ACCEPTED, "lookahead_adamw", "lookahead_lamb"])
def test_every_one_follows_the_schedule_and_is_taken_up_where_it_was(opt):
    whole, first, second = net(), net(), net()
    train(whole, make(whole, opt), range(8))
    assert all(p.isfinite().all() for p in whole.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(weights(whole), weights(net()), strict=True))
    optimizer = make(first, opt)
    train(first, optimizer, range(5))
    second.load_state_dict(first.state_dict())
    resumed = make(second, opt)
    resumed.load_state_dict(through_a_file(optimizer.state_dict()))
    train(second, resumed, range(5, 8))
    assert all(torch.equal(a, b) for a, b in zip(weights(second), weights(whole), strict=True))


@pytest.mark.parametrize("opt", ["lamb", "lars", "lion", "adan", "adafactor", "lookahead_adamw"])
def test_a_learning_rate_of_zero_moves_nothing(opt):
    model = net()
    optimizer = make(model, opt)
    set_learning_rate(optimizer, 0.0)
    gradients(model, 0)
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(weights(model), weights(net()), strict=True))


def test_norms_and_biases_are_spared_when_asked():
    decays = [g["weight_decay"] for g in make(net(), "lamb").param_groups]
    spared = make(net(), "lamb", decay_norms_and_biases=False).param_groups
    assert decays == [DECAY]
    assert [(len(g["params"]), g["weight_decay"]) for g in spared] == [(2, DECAY), (4, 0.0)]


def test_what_counts_steps_in_python_is_not_captured_in_a_graph():
    for opt in ("lamb", "adagrad", "lookahead_sgd", "nadamw"):
        assert "counts its steps outside" in str(why_not_capturable(make(net(), opt)))
    assert why_not_capturable(make(net(), "sgd")) is None


def test_an_unknown_name_is_refused_with_the_nearest_and_how_to_list_them():
    with pytest.raises(
        ValueError,
        match=r"opt=lamp: timm has no such optimizer; did you mean lamb .*\?; "
        r"timm.optim.list_optimizers\(\) lists them all",
    ):
        make(net(), "lamp")
    with pytest.raises(ValueError, match="opt=slow_adamw: timm has no such optimizer"):
        make(net(), "slow_adamw")  # timm itself would use the part after the underscore


@pytest.mark.parametrize("opt", REFUSED_NAMES)
def test_what_needs_more_than_a_gradient_and_a_step_is_refused(opt):
    with pytest.raises(ValueError, match=rf"opt={opt} (needs|recompiles) .*; choose another, e.g."):
        make(net(), opt)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


def make(model: nn.Module, opt: str, **changes: bool) -> torch.optim.Optimizer:
    switches = {"decay_norms_and_biases": True, "fused": False, **changes}
    return timm_optimizer(model, opt, LR, DECAY, 0.9, **switches)


def gradients(model: nn.Module, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    return [parameter.grad for parameter in model.parameters()]


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range = range(3)) -> None:
    """Updates with a learning rate that rises and falls."""
    for number in steps:
        gradients(model, number)
        set_learning_rate(optimizer, LR * (0.5 + 0.1 * number * (7 - number)))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [copy.deepcopy(p.detach()) for p in model.parameters()]


def through_a_file(state: dict) -> dict:
    """Save and load the state as a checkpoint does."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)
