"""timm's optimizers by name, over our parameter groups.

https://huggingface.co/docs/timm/reference/optimizers
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from cifar_lab.bounds import Fraction, NonNegativeFloat, PositiveFloat
from cifar_lab.optim.optimizers import on_cuda, parameter_groups
from cifar_lab.refusal import did_you_mean

#: Before a name: weights that follow the optimizer's slowly (https://arxiv.org/abs/1907.08610).
LOOKAHEAD = "lookahead_"
#: Names by their beginning, with why they are refused.
REFUSED = {
    "bnb": "needs the package bitsandbytes",
    "fused": "needs NVIDIA's package apex; where torch can, trainer.fused_optimizer does the same",
    "kron": "compiles its update anew for each shape of a weight, which takes minutes",
}


def timm_optimizer(
    model: nn.Module,
    opt: str,
    lr: PositiveFloat,
    weight_decay: NonNegativeFloat,
    momentum: Fraction,
    decay_norms_and_biases: bool,
    fused: bool,
) -> torch.optim.Optimizer:
    """One of timm's optimizers.

    Args:
        model: its trainable parameters are updated.
        opt: as timm lists it; with ``lookahead_`` before it, weights that follow slowly.
        lr: maximum of the learning rate. Where the name promises corrected weight decay (adamc,
            sgdc, …), decay is in proportion to rate² / lr.
        weight_decay: as the optimizer understands it: in the gradient, or decoupled from it.
        momentum: where the optimizer has one.
        decay_norms_and_biases: False spares norm scales and biases.
        fused: update all weights in one operation where torch can.

    Raises:
        ValueError: timm has no such optimizer, or it needs more than a gradient and a step.
    """
    name = opt.removeprefix(LOOKAHEAD)
    _refuse(opt, name)
    kind = _timm().get_optimizer_class(name, bind_defaults=False)
    optimizer: torch.optim.Optimizer = _timm().create_optimizer_v2(
        parameter_groups(model, weight_decay, decay_norms_and_biases),
        opt,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        **_switches(kind, fused, on_cuda(model) and opt == name),
    )
    if opt != name or not _is_capturable(kind):
        for group in optimizer.param_groups:
            group["capturable"] = False
    return optimizer


def _timm() -> Any:
    from timm import optim  # costs seconds

    return optim


def _refuse(opt: str, name: str) -> None:
    """Refuses a name that timm does not have, or that needs more than a gradient and a step."""
    names = _timm().list_optimizers()
    if name not in names:
        meant = did_you_mean(name, names, most=3, quote="")
        raise ValueError(
            f"opt={opt}: timm has no such optimizer{meant}; timm.optim.list_optimizers() names "
            "them all"
        )
    reasons = [reason for beginning, reason in REFUSED.items() if name.startswith(beginning)]
    if _timm().get_optimizer_info(name).second_order:
        reasons.append("needs second derivatives, which a training step does not compute")
    if reasons:
        raise ValueError(f"opt={opt} {reasons[0]}; take another, such as lamb or adamw")


def _switches(kind: Any, fused: bool, captured: bool) -> dict[str, bool]:
    """The switches that torch's own optimizers have; timm's own are left at their defaults."""
    switches = {}
    if issubclass(kind, (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)):
        switches["fused"] = fused
    if _is_capturable(kind) and "capturable" in inspect.signature(kind).parameters:
        switches["capturable"] = captured
    return switches


def _is_capturable(kind: Any) -> bool:
    """Whether a CUDA graph may replay the step: torch's own can count steps on the device.

    timm's count in Python's numbers, which a graph would repeat as they once were.
    """
    can_count_there = "capturable" in inspect.signature(kind).parameters
    counts_nothing = issubclass(kind, torch.optim.SGD)
    return kind.__module__.startswith("torch.") and (can_count_there or counts_nothing)
