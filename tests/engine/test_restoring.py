"""Trial steps are undone bit for bit: compared by bytes, and by identity where it matters."""

from __future__ import annotations

import contextlib
import copy
import random

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.engine.restoring import kept, looked_on
from cifar_lab.optim.from_timm import timm_optimizer


class Everything(nn.Module):
    """Has modified, replaced and non-persistent buffers, and draws from every random state."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.frozen_norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("unsaved", torch.zeros(2), persistent=False)
        self.register_buffer("empty", None)

    def forward(self, images):
        self.calls = self.calls + 1
        self.empty = torch.ones(1)
        self.unsaved += random.random() + np.random.rand()
        maps = self.frozen_norm(self.norm(self.convolution(images)))
        return self.head(self.dropout(maps).mean((2, 3)))


def lookahead(model: nn.Module) -> torch.optim.Optimizer:
    return timm_optimizer(
        model, "lookahead_sgd", lr=0.1, weight_decay=0.0, momentum=0.9,
        decay_norms_and_biases=True, fused=False,
    )  # fmt: skip


OPTIMIZERS = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    "adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.1, fused=True),
    "lookahead": lookahead,
}


@pytest.mark.parametrize("trained_before", [0, 3])
@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_everything_is_as_it_was(optimizer, raises, trained_before):
    torch.manual_seed(0)
    model = Everything().to(memory_format=torch.channels_last)
    model.frozen_norm.eval()
    given = optimizer(model)
    train(model, given, trained_before)
    loss(model).backward()  # half-way through an accumulated step
    before = everything(model, given)
    identities = identity(model)
    groups = given.param_groups
    try:
        with kept(model, given):
            assert all(p.grad is None for p in model.parameters())
            train(model, given, 7)
            for group in given.param_groups:
                group["lr"] = torch.tensor(3.0)
                group["new"] = 1
            model.eval()
            loss(model).backward()
            if raises:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert raises
    else:
        assert not raises
    assert everything(model, given) == before
    assert identity(model) == identities
    assert given.param_groups is groups
    assert all(type(group["lr"]) is float for group in groups)


def test_training_continues_as_if_nothing_had_been_tried():
    runs = {}
    for tried in (False, True):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        model = Everything()
        optimizer = OPTIMIZERS["adam"](model)
        train(model, optimizer, 2)
        if tried:
            with kept(model, optimizer):
                train(model, optimizer, 5)
        train(model, optimizer, 2)
        runs[tried] = everything(model, optimizer)
    assert runs[False] == runs[True]


@pytest.mark.parametrize("raises", [False, True])
def test_whoever_looks_on_leaves_all_but_the_weights_as_it_was(raises):
    torch.manual_seed(0)
    model, average = Everything().train(), Everything().eval()
    model.frozen_norm.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss(model).backward()
    model.convolution.weight.requires_grad_(False)
    before = [everything(each, optimizer) for each in (model, average)]
    gradients = [parameter.grad for parameter in model.parameters()]
    with contextlib.suppress(ZeroDivisionError), looked_on(model, average):
        assert all(parameter.grad is None for parameter in model.parameters())
        for each in (model, average):
            loss(each.requires_grad_(True).train()).backward()
        torch.set_grad_enabled(False)
        np.random.rand(), random.random()
        _ = 1 / (not raises)
    assert torch.is_grad_enabled()
    assert [everything(each, optimizer) for each in (model, average)] == before
    assert all(p.grad is g for p, g in zip(model.parameters(), gradients, strict=True))
    trained = [parameter.requires_grad for parameter in model.parameters()]
    assert trained == [False] + [True] * (len(trained) - 1)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        loss(model).backward()
        optimizer.step()
        optimizer.zero_grad()


def loss(model: nn.Module) -> torch.Tensor:
    return model(torch.rand(4, 3, 5, 5)).square().mean()


def everything(model: nn.Module, optimizer: torch.optim.Optimizer) -> list:
    """Every value that training changes, with tensors as bytes."""
    numpy_state = np.random.get_state()
    return plain(
        [
            list(model.named_parameters()),
            list(model.named_buffers()),
            model.empty,
            [parameter.grad for parameter in model.parameters()],
            [module.training for module in model.modules()],
            copy.deepcopy(optimizer.state_dict()),
            [sorted(values.items()) for values in optimizer.state.values()],
            random.getstate(),
            torch.get_rng_state(),
            [numpy_state[0], numpy_state[1].tolist(), *numpy_state[2:]],
        ]
    )


def plain(value):
    if isinstance(value, torch.Tensor):
        kind, strides = str(value.dtype), value.stride()
        return [kind, strides, value.detach().contiguous().numpy().tobytes()]
    if isinstance(value, dict):
        return [[str(k), plain(v)] for k, v in value.items()]
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def identity(model: nn.Module) -> list[tuple[int, int]]:
    tensors = [*model.parameters(), *model.buffers()]
    return [(id(tensor), tensor.data_ptr()) for tensor in tensors]
