"""Parameter groups, and one or two updates of each optimizer, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.optim.optimizers import adam, adamw, parameter_groups, sgd

LR, DECAY = 0.1, 0.25
#: Gradients of two updates, and the initial weights.
GRADIENTS = np.array([[0.5, -2.0], [1.0, 1.0]])
WEIGHTS = np.array([2.0, -3.0])


def test_everything_decays_in_one_group_when_asked():
    model = CustomResNet(num_classes=3, width=4)
    (group,) = parameter_groups(model, DECAY, decay_norms_and_biases=True)
    assert group["weight_decay"] == DECAY
    assert [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]


def test_norms_and_biases_are_spared_when_asked():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    decaying, spared = parameter_groups(model, DECAY, decay_norms_and_biases=False)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)] for p in decaying["params"]} == {"0.weight", "3.weight"}
    assert {names[id(p)] for p in spared["params"]} == {"0.bias", "1.weight", "1.bias", "3.bias"}
    assert (decaying["weight_decay"], spared["weight_decay"]) == (DECAY, 0.0)


@pytest.mark.parametrize("everything", [True, False])
def test_every_trainable_parameter_is_in_exactly_one_group(everything):
    model = CustomResNet(num_classes=3, width=4)
    model.tied = model.head  # registered twice, but still one parameter
    model.stem.requires_grad_(False)
    groups = parameter_groups(model, DECAY, everything)
    found = sorted(id(p) for group in groups for p in group["params"])
    assert found == sorted({id(p) for p in model.parameters() if p.requires_grad})
    assert not {id(p) for p in model.stem.parameters()} & set(found)


def test_a_group_without_parameters_is_left_out():
    without_bias = nn.Linear(3, 2, bias=False)
    assert len(parameter_groups(without_bias, DECAY, decay_norms_and_biases=False)) == 1


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_equals_two_updates_by_hand(nesterov, fused):
    momentum, velocity, weights = 0.9, np.zeros(2), WEIGHTS.copy()
    for gradient in GRADIENTS:
        gradient = gradient + DECAY * weights
        velocity = momentum * velocity + gradient
        weights = weights - LR * (gradient + momentum * velocity if nesterov else velocity)
    model = Weights()
    optimizer = sgd(model, LR, momentum, nesterov, DECAY, True, fused)
    np.testing.assert_allclose(updated(model, optimizer), weights, rtol=1e-12)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("decoupled", [False, True], ids=["adam", "adamw"])
def test_adam_equals_two_updates_by_hand(decoupled, fused):
    (beta1, beta2), eps = (0.8, 0.95), 1e-3
    first, second, weights = np.zeros(2), np.zeros(2), WEIGHTS.copy()
    for number, gradient in enumerate(GRADIENTS, start=1):
        if decoupled:
            weights = weights - LR * DECAY * weights
        else:
            gradient = gradient + DECAY * weights
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        step = (first / (1 - beta1**number)) / (np.sqrt(second / (1 - beta2**number)) + eps)
        weights = weights - LR * step
    model = Weights()
    make = adamw if decoupled else adam
    optimizer = make(model, LR, (beta1, beta2), eps, DECAY, True, fused)
    np.testing.assert_allclose(updated(model, optimizer), weights, rtol=1e-12)


@pytest.mark.parametrize("make", [adam, adamw])
def test_spared_parameters_do_not_decay(make):
    model = Weights()  # one dimension, like a bias
    optimizer = make(model, LR, (0.9, 0.999), 1e-8, DECAY, False, False)
    model.values.grad = torch.zeros(2, dtype=torch.float64)
    optimizer.step()
    assert model.values.tolist() == WEIGHTS.tolist()


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match=r"nesterov=true needs momentum > 0, got momentum=0; set"):
        sgd(Weights(), LR, 0.0, True, DECAY, True, False)


class Weights(nn.Module):
    """Two numbers in float64."""

    def __init__(self):
        super().__init__()
        self.values = nn.Parameter(torch.from_numpy(WEIGHTS.copy()))


def updated(model: Weights, optimizer: torch.optim.Optimizer) -> np.ndarray:
    for gradient in GRADIENTS:
        model.values.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
    return model.values.detach().numpy()
