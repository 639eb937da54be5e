"""torch's optimizers over a model's parameter groups.

``fused`` lets torch update all weights in one operation; the caller decides where it is supported.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from cifar_lab.bounds import Fraction, NonNegativeFloat, PositiveFloat
from cifar_lab.optim.eager import eager


def parameter_groups(
    model: nn.Module, weight_decay: float, decay_norms_and_biases: bool
) -> list[dict[str, Any]]:
    """Split trainable parameters into those with weight decay and those without.

    Norm scales and biases are the parameters with at most one dimension: decaying them pulls
    activations towards zero without regularising the function that the network computes.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if decay_norms_and_biases:
        return [{"params": parameters, "weight_decay": weight_decay}]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def sgd(
    model: nn.Module,
    lr: PositiveFloat,
    momentum: Fraction,
    nesterov: bool,
    weight_decay: NonNegativeFloat,
    decay_norms_and_biases: bool,
    fused: bool,
) -> torch.optim.SGD:
    """Stochastic gradient descent with momentum.

    Raises:
        ValueError: Nesterov momentum was requested with zero momentum.
    """
    if nesterov and momentum == 0:
        raise ValueError("nesterov=true needs momentum > 0, got momentum=0; set nesterov=false")
    groups = parameter_groups(model, weight_decay, decay_norms_and_biases)
    return eager(torch.optim.SGD)(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=fused)


def adam(
    model: nn.Module,
    lr: PositiveFloat,
    betas: tuple[Fraction, Fraction],
    eps: PositiveFloat,
    weight_decay: NonNegativeFloat,
    decay_norms_and_biases: bool,
    fused: bool,
) -> torch.optim.Adam:
    """Adam (https://arxiv.org/abs/1412.6980); its weight decay is an L2 penalty in the gradient."""
    groups = parameter_groups(model, weight_decay, decay_norms_and_biases)
    return eager(torch.optim.Adam)(
        groups, lr=lr, betas=betas, eps=eps, fused=fused, capturable=on_cuda(model)
    )


def adamw(
    model: nn.Module,
    lr: PositiveFloat,
    betas: tuple[Fraction, Fraction],
    eps: PositiveFloat,
    weight_decay: NonNegativeFloat,
    decay_norms_and_biases: bool,
    fused: bool,
) -> torch.optim.AdamW:
    """Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101)."""
    groups = parameter_groups(model, weight_decay, decay_norms_and_biases)
    return eager(torch.optim.AdamW)(
        groups, lr=lr, betas=betas, eps=eps, fused=fused, capturable=on_cuda(model)
    )


def on_cuda(model: nn.Module) -> bool:
    """Whether steps may be captured in a CUDA graph, which the optimizer must know in advance."""
    return next(model.parameters()).is_cuda
