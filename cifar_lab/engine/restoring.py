"""Try training steps on a model and its optimizer, then restore both bit for bit."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cifar_lab.engine.seeding import random_states, restore_random_states


@contextlib.contextmanager
def random_states_kept() -> Iterator[None]:
    """Restore the random states of Python, numpy and torch on exit, even after an error."""
    states, of_numpy = random_states(), np.random.get_state()
    try:
        yield
    finally:
        restore_random_states(states)
        np.random.set_state(of_numpy)


@contextlib.contextmanager
def kept(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Allow training inside, then restore model, optimizer and random states.

    Existing gradients are put aside. Weights and buffers keep their identity, so that references
    to them, such as the optimizer's to the weights, stay valid.

    Args:
        model: its weights, buffers, gradients and modes are restored.
        optimizer: its state and groups are restored.
    """
    with contextlib.ExitStack() as stack:
        for part in (random_states_kept(), _weights(model), _buffers(model), _modes(model)):
            stack.enter_context(part)
        for each in _with_inner(optimizer):
            stack.enter_context(_optimizer(each))
        yield


@contextlib.contextmanager
def looked_on(*models: nn.Module) -> Iterator[None]:
    """Allow anything inside but changes of weights, which are not copied, and restore the rest.

    Existing gradients are put aside.

    Args:
        models: their buffers, gradients and modes are restored, and which parameters are trained;
            as are the random states, and whether gradients are computed.
    """
    enabled = torch.is_grad_enabled()
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_grad_enabled, enabled)
        stack.enter_context(random_states_kept())
        for model in models:
            for part in (_gradients(model), _buffers(model), _modes(model)):
                stack.enter_context(part)
        yield


@contextlib.contextmanager
def _gradients(model: nn.Module) -> Iterator[None]:
    before = [(p, p.grad, p.requires_grad) for p in model.parameters()]
    for parameter, _, _ in before:
        parameter.grad = None
    try:
        yield
    finally:
        for parameter, gradient, trained in before:
            parameter.requires_grad_(trained)
            parameter.grad = gradient


@contextlib.contextmanager
def _weights(model: nn.Module) -> Iterator[None]:
    before = [(p, p.detach().clone(), p.grad) for p in model.parameters()]
    for parameter, _, _ in before:
        parameter.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, values, gradient in before:
                parameter.copy_(values)
                parameter.grad = gradient


@contextlib.contextmanager
def _buffers(model: nn.Module) -> Iterator[None]:
    # By module and name, because a module may replace a buffer instead of writing to it.
    before: list[tuple[nn.Module, str, Tensor | None, Tensor | None]] = [
        (module, name, buffer, None if buffer is None else buffer.clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, values in before:
                if buffer is not None and values is not None:
                    buffer.copy_(values)
                module._buffers[name] = buffer


@contextlib.contextmanager
def _modes(model: nn.Module) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


@contextlib.contextmanager
def _optimizer(optimizer: Optimizer) -> Iterator[None]:
    # Not with load_state_dict, which casts the loaded values and creates new groups.
    state = {parameter: copy.deepcopy(values) for parameter, values in optimizer.state.items()}
    groups = [_copied(group) for group in optimizer.param_groups]
    try:
        yield
    finally:
        optimizer.state.clear()
        optimizer.state.update(state)
        for group, values in zip(optimizer.param_groups, groups, strict=True):
            group.clear()
            group.update(values)


def _with_inner(optimizer: Optimizer) -> Iterator[Optimizer]:
    """The optimizer and any it wraps, as timm's Lookahead does."""
    yield optimizer
    for value in vars(optimizer).values():
        if isinstance(value, Optimizer):
            yield from _with_inner(value)


def _copied(group: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if k == "params" else copy.deepcopy(v) for k, v in group.items()}
