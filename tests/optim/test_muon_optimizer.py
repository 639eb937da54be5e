"""Muon: its updates compared with the singular value decomposition, the rest with torch's SGD."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.optim.muon_optimizer import QUINTIC, muon, orthogonalised

SETTINGS = {
    "lr": 0.2,
    "momentum": 0.6,
    "newton_schulz_steps": 5,
    "head_lr": 0.5,
    "bias_lr": 0.05,
    "sgd_momentum": 0.85,
    "weight_decay": 0.01,
    "fused": True,
}


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6), (16, 3, 3, 3)])
def test_an_update_becomes_nearly_orthogonal_and_keeps_its_singular_vectors(shape):
    update = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonalised(update, steps=5)
    assert (found.shape, found.dtype) == (update.shape, update.dtype)
    left, _, right = np.linalg.svd(update.flatten(1).numpy(), full_matrices=False)
    in_its_basis = left.T @ found.flatten(1).numpy() @ right.T
    values = np.diag(in_its_basis)
    assert (values > 0.6).all()
    assert (values < 1.3).all()
    off = in_its_basis - np.diag(values)
    assert np.abs(off).max() < 0.06  # computed in bfloat16


def test_each_iteration_is_the_quintic_polynomial_of_the_singular_values():
    a, b, c = QUINTIC
    values = torch.tensor([0.8, 0.6])  # already of norm one
    found = orthogonalised(torch.diag(values), steps=1).diagonal()
    torch.testing.assert_close(found, a * values + b * values**3 + c * values**5, rtol=0.02, atol=0)


def test_a_weight_is_scaled_to_the_root_of_its_rows_and_moved_by_its_orthogonal_update():
    model = net()
    weight = model[0].weight
    before, gradients = weight.detach().clone(), [torch.randn_like(weight) for _ in range(2)]
    optimizer = muon(model, **SETTINGS)
    buffer = torch.zeros_like(weight)
    for gradient in gradients:
        model.zero_grad()
        weight.grad = gradient.clone()
        optimizer.step()
        buffer = 0.6 * buffer + gradient
        scaled = before * (len(before) ** 0.5 / before.norm())
        before = scaled - 0.2 * orthogonalised(gradient + 0.6 * buffer, steps=5)
    torch.testing.assert_close(weight.detach(), before)


def test_head_norms_and_biases_are_updated_as_torchs_sgd_updates_them():
    model, theirs = net(), copy.deepcopy(net())
    optimizer = muon(model, **SETTINGS)
    sgd = torch.optim.SGD(
        [
            {"params": [theirs[4].weight], "lr": 0.5, "weight_decay": 0.01 / 0.5},
            {"params": [theirs[0].bias, *theirs[1].parameters(), theirs[4].bias]},
        ],
        lr=0.05,
        momentum=0.85,
        nesterov=True,
        weight_decay=0.01 / 0.05,
    )
    for step in range(3):
        for ours, its in zip(model.parameters(), theirs.parameters(), strict=True):
            ours.grad = torch.randn(ours.shape, generator=torch.Generator().manual_seed(step))
            its.grad = ours.grad.clone()
        optimizer.step()
        sgd.step()
    for ours, its in list(zip(model.parameters(), theirs.parameters(), strict=True))[1:]:
        torch.testing.assert_close(ours, its)


def test_one_learning_rate_moves_every_group_in_proportion():
    scales = [group["lr_scale"] for group in muon(net(), **SETTINGS).param_groups]
    assert scales == pytest.approx([1.0, 2.5, 0.25])


def test_weights_that_are_not_trained_are_in_no_group():
    model = net()
    model[0].requires_grad_(False)
    model.append(nn.Linear(4, 2))
    groups = muon(model, **SETTINGS).param_groups
    found = {id(p) for group in groups for p in group["params"]}
    assert found == {id(p) for p in model.parameters() if p.requires_grad}


def test_a_model_without_inner_weights_is_refused():
    with pytest.raises(ValueError, match="a convolution or an inner matrix"):
        muon(nn.Linear(3, 2), **SETTINGS)


def test_the_momentum_is_saved_and_taken_up():
    def trained(optimizer, model, seeds):
        for seed in seeds:
            for p in model.parameters():
                p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(seed))
            optimizer.step()

    whole, first = net(), net()
    trained(muon(whole, **SETTINGS), whole, (0, 1, 2))
    optimizer = muon(first, **SETTINGS)
    trained(optimizer, first, (0, 1))
    second = net()
    second.load_state_dict(first.state_dict())
    resumed = muon(second, **SETTINGS)
    resumed.load_state_dict(optimizer.state_dict())
    trained(resumed, second, (2,))
    for ours, its in zip(second.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, its)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
