"""Any optimizer of torch, or a user's own, over the project's parameter groups."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from cifar_lab.bounds import NonNegativeFloat, PositiveFloat
from cifar_lab.contracts import contract, is_optimizer, parameters_of
from cifar_lab.optim.eager import eager
from cifar_lab.optim.optimizers import on_cuda, parameter_groups
from cifar_lab.refusal import did_you_mean


def torch_optimizer(
    model: nn.Module,
    name: str,
    lr: PositiveFloat,
    weight_decay: NonNegativeFloat,
    decay_norms_and_biases: bool,
    fused: bool,
    **arguments: Any,
) -> torch.optim.Optimizer:
    """Create one of torch's optimizers by name.

    Args:
        model: its trainable parameters are updated.
        name: of a class in ``torch.optim``.
        lr: maximum learning rate.
        weight_decay: as the optimizer defines it: in the gradient, or decoupled from it.
        decay_norms_and_biases: False exempts norm scales and biases from weight decay.
        fused: update all weights in one operation where torch supports it.
        arguments: further arguments of the class.

    Raises:
        ValueError: torch has no such optimizer or argument, or it cannot be used.
    """
    kind = _named(name)
    terms = contract("optimizer", kind, set())
    if terms.refused is not None:
        raise ValueError(f"name={name}: {terms.refused}")
    parameters = parameters_of(kind)
    known = [n for n in parameters if n not in terms.supplied]
    unknown = [n for n in arguments if n not in known]
    if unknown:
        raise ValueError(
            f"{name} has no argument '{unknown[0]}'{did_you_mean(unknown[0], known)}; its "
            f"arguments are: {', '.join(known)}{terms.supplies(list(parameters))}"
        )
    if "weight_decay" in known:
        arguments["weight_decay"] = weight_decay
    elif weight_decay:
        raise ValueError(f"{name} has no weight decay; set optimizer.weight_decay=0")
    make = partial(kind, lr=lr, **arguments)
    return over_groups(make, model, decay_norms_and_biases, fused)


def over_groups(
    make: Callable[..., torch.optim.Optimizer],
    model: nn.Module,
    decay_norms_and_biases: bool,
    fused: bool,
) -> torch.optim.Optimizer:
    """Create an optimizer over the model's parameter groups, after a step on small tensors.

    Args:
        make: an optimizer's class with all arguments but the groups and what the device decides.
        model: its trainable parameters are updated.
        decay_norms_and_biases: False exempts norm scales and biases from weight decay.
        fused: update all weights in one operation where the class can.

    Raises:
        ValueError: it fails in a step, or keeps its learning rate elsewhere than in its groups.
    """
    kind, given = (make.func, make.keywords) if isinstance(make, partial) else (make, {})
    _refuse_other_than_matrices(kind, model)
    chosen = {} if given.get("foreach") else switches(kind, fused, on_cuda(model))
    _try_a_step(partial(make, **chosen), model)
    optimizer = make(_groups(kind, given, model, decay_norms_and_biases), **chosen)
    if any("lr" not in group for group in optimizer.param_groups):
        raise ValueError(
            f"{kind.__name__} keeps no 'lr' in its parameter groups, where schedules change it; "
            "pass it on as super().__init__(params, {'lr': lr})"
        )
    if not is_capturable(kind):
        for group in optimizer.param_groups:
            group["capturable"] = False
    return optimizer


def switches(kind: Any, fused: bool, captured: bool) -> dict[str, bool]:
    """Return the arguments of a class that depend on the device, as far as it takes them."""
    taken, chosen = parameters_of(kind), {}
    # Adagrad's fused form is for the CPU alone.
    if "fused" in taken and (kind is not torch.optim.Adagrad or not captured):
        chosen["fused"] = fused
    if is_capturable(kind) and "capturable" in taken:
        chosen["capturable"] = captured
    return chosen


def is_capturable(kind: Any) -> bool:
    """Whether a CUDA graph may replay the step: torch's optimizers can count steps on the device.

    Others count in Python numbers, which a graph would replay as constants.
    """
    counts_nothing = issubclass(kind, torch.optim.SGD)
    return kind.__module__.startswith("torch.") and (
        counts_nothing or "capturable" in parameters_of(kind)
    )


def _named(name: str) -> Any:
    kinds = {n: k for n, k in vars(torch.optim).items() if is_optimizer(k) and n != "Optimizer"}
    if name not in kinds:
        raise ValueError(
            f"name={name}: torch.optim has no such optimizer{did_you_mean(name, list(kinds))}; it "
            f"has {', '.join(sorted(kinds))}"
        )
    return eager(kinds[name])


def _groups(
    kind: Any, given: dict[str, Any], model: nn.Module, decay_norms_and_biases: bool
) -> list[dict[str, Any]]:
    """Return the parameter groups; a class without weight decay gets a single one."""
    parameter = parameters_of(kind).get("weight_decay")
    if parameter is None and "weight_decay" not in given:
        return [{"params": [p for p in model.parameters() if p.requires_grad]}]
    default = inspect.Parameter.empty if parameter is None else parameter.default
    decay = given.get("weight_decay", 0.0 if default is inspect.Parameter.empty else default)
    return parameter_groups(model, float(decay), decay_norms_and_biases)


def _try_a_step(make: Callable[..., torch.optim.Optimizer], model: nn.Module) -> None:
    """Take a step on copies of the smallest parameters of each number of dimensions."""
    smallest: dict[int, nn.Parameter] = {}
    for parameter in sorted(model.parameters(), key=nn.Parameter.numel):
        if parameter.requires_grad:
            smallest.setdefault(parameter.ndim, parameter)
    copies = [nn.Parameter(parameter.detach().clone()) for parameter in smallest.values()]
    for copy in copies:
        copy.grad = torch.full_like(copy, 1e-3)
    optimizer = make([{"params": copies}])
    try:
        optimizer.step()
    except Exception as error:  # a user's own may raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{type(optimizer).__name__} failed in its first step: {reason}"
        ) from error


def _refuse_other_than_matrices(kind: Any, model: nn.Module) -> None:
    """Refuse torch's Muon for parameters of other shapes, of which it takes none."""
    if not issubclass(kind, torch.optim.Muon):
        return
    others = {n: tuple(p.shape) for n, p in model.named_parameters() if p.ndim != 2}
    if others:
        name, shape = next(iter(others.items()))
        raise ValueError(
            f"torch's Muon updates matrices only, but {len(others)} parameters of the model have "
            f"another shape, e.g. {name} {shape}; use optimizer=muon, which updates convolutions "
            "as matrices and the rest with SGD"
        )
