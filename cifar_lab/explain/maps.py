"""A layer's output as a map of channels over a grid, regardless of the model's layout.

A model may declare the layout of its layers' maps, see :mod:`cifar_lab.network`. The default is
channels first.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from cifar_lab.network import declared_by


def as_map(output: object, model: nn.Module) -> Tensor | None:
    """A layer's output as ``(batch, channels, h, w)``; None if it is not a map.

    Tokens are arranged row by row on a square grid; class and register tokens are dropped.
    """
    if not isinstance(output, Tensor):
        return None
    declared = declared_by(model)
    if output.ndim == 4:
        last = declared.map_layout == "channels_last"
        return output.permute(0, 3, 1, 2) if last else output
    if output.ndim != 3 or declared.map_layout != "tokens":
        return None
    tokens = output[:, declared.prefix_tokens :]
    side = math.isqrt(tokens.shape[1])
    if side == 0 or side * side != tokens.shape[1]:
        return None
    return tokens.transpose(1, 2).unflatten(2, (side, side))


def with_map(output: Tensor, replaced: Tensor, model: nn.Module) -> Tensor:
    """A layer's output with its map replaced: the inverse of :func:`as_map`."""
    declared = declared_by(model)
    if output.ndim == 4:
        last = declared.map_layout == "channels_last"
        return replaced.permute(0, 2, 3, 1) if last else replaced
    prefix = output[:, : declared.prefix_tokens]
    tokens = replaced.flatten(2).transpose(1, 2)
    return torch.cat([prefix, tokens], dim=1)


@contextlib.contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Eval mode without parameter gradients inside; everything is restored on exit."""
    modes = {module: module.training for module in model.modules()}
    trained = [p for p in model.parameters() if p.requires_grad]
    try:
        model.eval()  # in train mode, forward passes would update batch-norm statistics
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
        for module, mode in modes.items():
            module.training = mode


@contextlib.contextmanager
def probed(model: nn.Module, layer: str) -> Iterator[nn.Module]:
    """A module through which the layer's map passes, as ``(batch, channels, h, w)``.

    The graph is detached before it, so that explaining a late layer costs little more than a
    forward pass.
    """
    probe = nn.Identity()

    def begin(_module: nn.Module, _inputs: object, output: object) -> object:
        if not isinstance(output, Tensor):
            return output
        detached = output.detach()
        seen = as_map(detached, model)
        return output if seen is None else with_map(detached, probe(seen.requires_grad_()), model)

    handle = model.get_submodule(layer).register_forward_hook(begin)
    try:
        with left_as_it_was(model):
            yield probe
    finally:
        handle.remove()
