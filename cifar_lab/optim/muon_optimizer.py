"""Muon: momentum that is orthogonalised before it updates the weights.

Jordan et al., https://kellerjordan.github.io/posts/muon/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cifar_lab.bounds import Fraction, NonNegativeFloat, PositiveFloat, PositiveInt
from cifar_lab.optim.eager import eager

#: Coefficients of the quintic iteration: steep at zero, so that a few steps are enough.
QUINTIC = (3.4445, -4.7750, 2.0315)


def muon(
    model: nn.Module,
    lr: PositiveFloat,
    momentum: Fraction,
    newton_schulz_steps: PositiveInt,
    head_lr: PositiveFloat,
    bias_lr: PositiveFloat,
    sgd_momentum: Fraction,
    weight_decay: NonNegativeFloat,
    fused: bool,
) -> Muon:
    """Muon for convolutions and inner matrices, Nesterov SGD for the head, norms and biases.

    The head is the last matrix of the model. ``fused`` has no effect: the work is already done in
    matrix products.

    Raises:
        ValueError: the model has neither a convolution nor an inner matrix.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim == 2]
    head = matrices[-1:]
    inner = [p for p in parameters if p.ndim > 1 and not any(p is each for each in head)]
    rest = [p for p in parameters if p.ndim <= 1]
    if not inner:
        raise ValueError("muon needs a convolution or an inner matrix to update; use sgd")
    sgd = {"orthogonal": False, "momentum": sgd_momentum}
    groups: list[dict[str, Any]] = [
        {"params": inner, "lr": lr, "orthogonal": True, "momentum": momentum, "weight_decay": 0.0},
        {"params": head, "lr": head_lr, **sgd, "weight_decay": weight_decay / head_lr},
        {"params": rest, "lr": bias_lr, **sgd, "weight_decay": weight_decay / bias_lr},
    ]
    for group in groups:
        group["lr_scale"] = group["lr"] / lr
    return eager(Muon)([group for group in groups if group["params"]], newton_schulz_steps)


class Muon(torch.optim.Optimizer):
    """Updates groups marked ``orthogonal`` with Muon and the others with Nesterov SGD.

    Weights updated by Muon are rescaled to norm √rows before each update, which replaces weight
    decay where a norm layer follows.

    Args:
        groups: dicts with ``params``, ``lr``, ``orthogonal``, ``momentum`` and ``weight_decay``.
        newton_schulz_steps: number of orthogonalisation iterations.
    """

    def __init__(self, groups: list[dict[str, Any]], newton_schulz_steps: int) -> None:
        super().__init__(groups, {"newton_schulz_steps": newton_schulz_steps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Perform one update."""
        assert closure is None, "closures are not supported"
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            if not weights:
                continue
            gradients = [p.grad for p in weights]
            decay = group["weight_decay"]
            if decay:
                gradients = list(torch._foreach_add(gradients, weights, alpha=decay))
            buffers = [self._momentum(p) for p in weights]
            torch._foreach_mul_(buffers, group["momentum"])
            torch._foreach_add_(buffers, gradients)
            updates = list(torch._foreach_add(gradients, buffers, alpha=group["momentum"]))
            if group["orthogonal"]:
                for weight in weights:
                    weight.mul_(len(weight) ** 0.5 / weight.norm())
                updates = [orthogonalised(u, group["newton_schulz_steps"]) for u in updates]
            torch._foreach_mul_(updates, -group["lr"])  # lr is a tensor if a graph replays the step
            torch._foreach_add_(weights, updates)

    def _momentum(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def orthogonalised(update: Tensor, steps: int) -> Tensor:
    """Approximate the nearest matrix with equal singular values by Newton-Schulz iteration.

    Args:
        update: float ``(rows, …)``, treated as ``(rows, columns)``.
        steps: iterations; five bring the singular values to about 0.7 … 1.2.

    Returns:
        Same shape and dtype as ``update``; computed in bfloat16.
    """
    a, b, c = QUINTIC
    matrix = update.flatten(1).bfloat16()
    matrix = matrix / (matrix.norm() + 1e-7)
    tall = matrix.shape[0] > matrix.shape[1]
    if tall:
        matrix = matrix.T
    for _ in range(steps):
        gram = matrix @ matrix.T
        matrix = a * matrix + (b * gram + c * gram @ gram) @ matrix
    return (matrix.T if tall else matrix).reshape(update.shape).to(update.dtype)
