"""timm's optimizers by name, over the project's parameter groups.

https://huggingface.co/docs/timm/reference/optimizers
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from cifar_lab.bounds import Fraction, NonNegativeFloat, PositiveFloat
from cifar_lab.optim.from_torch import is_capturable, switches
from cifar_lab.optim.optimizers import on_cuda, parameter_groups
from cifar_lab.refusal import did_you_mean

#: Prefix for Lookahead: slow weights follow the optimizer's (https://arxiv.org/abs/1907.08610).
LOOKAHEAD = "lookahead_"
#: Prefixes of names that are refused, with the reason.
REFUSED = {
    "bnb": "needs the package bitsandbytes",
    "fused": "needs NVIDIA's package apex; trainer.fused_optimizer is torch's equivalent",
    "kron": "recompiles its update for each weight shape, which takes minutes",
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
    """Create one of timm's optimizers.

    Args:
        model: its trainable parameters are updated.
        opt: timm's name for it; the prefix ``lookahead_`` adds Lookahead's slow weights.
        lr: maximum learning rate. For optimizers with corrected weight decay (adamc, sgdc, …),
            decay is proportional to rate² / lr.
        weight_decay: as the optimizer defines it: in the gradient, or decoupled from it.
        momentum: used if the optimizer has momentum.
        decay_norms_and_biases: False exempts norm scales and biases from weight decay.
        fused: update all weights in one operation where torch supports it.

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
        **switches(kind, fused, on_cuda(model) and opt == name),
    )
    if opt != name or not is_capturable(kind):
        for group in optimizer.param_groups:
            group["capturable"] = False
    return optimizer


def _timm() -> Any:
    from timm import optim  # importing it takes seconds

    return optim


def _refuse(opt: str, name: str) -> None:
    """Refuse an optimizer that timm lacks or that needs more than a gradient and a step."""
    names = _timm().list_optimizers()
    if name not in names:
        meant = did_you_mean(name, names, most=3, quote="")
        raise ValueError(
            f"opt={opt}: timm has no such optimizer{meant}; timm.optim.list_optimizers() lists "
            "them all"
        )
    reasons = [reason for beginning, reason in REFUSED.items() if name.startswith(beginning)]
    if _timm().get_optimizer_info(name).second_order:
        reasons.append("needs second derivatives, which a training step does not compute")
    if reasons:
        raise ValueError(f"opt={opt} {reasons[0]}; choose another, e.g. lamb or adamw")
