"""Builds what updates the weights: the optimizer and the schedule of its learning rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from cifar_lab.assembly.parts import maker, node, target_of
from cifar_lab.contracts import (
    is_optimizer,
    is_rate,
    is_timm_scheduler,
    is_torch_scheduler,
    parameters_of,
)
from cifar_lab.nodes import FIND
from cifar_lab.optim import from_torch, listed, schedulers
from cifar_lab.optim.head import scale_head
from cifar_lab.optim.schedules import Schedule

#: Keys of a node that the lab itself reads.
DECAY, EVERY = "decay_norms_and_biases", "every"


def optimizer(
    config: dict[str, Any], model: nn.Module, classes: int, fused: bool, head_lr_factor: float
) -> torch.optim.Optimizer:
    """Build the optimizer over the model's parameters.

    Args:
        config: the optimizer's node: a class of torch's kind, or what takes a ``model``.
        model: the model to train.
        classes: number of classes, by which the head is known.
        fused: update all weights in one operation where it can.
        head_lr_factor: multiplies the learning rate of the last layer.

    Raises:
        ValueError: it cannot be used, or there is no last layer.
        TypeError: it gives something else than an optimizer.
    """
    kind = target_of(config)
    if is_optimizer(kind):
        make = maker({key: value for key, value in config.items() if key != DECAY})
        built = from_torch.over_groups(make, model, config.get(DECAY, False), fused)
    else:
        takes = parameters_of(kind)
        takes_any = any(p.kind is p.VAR_KEYWORD for p in takes.values())
        built = maker(config)(
            model=model, **({"fused": fused} if "fused" in takes or takes_any else {})
        )
    if not isinstance(built, torch.optim.Optimizer):
        raise TypeError(
            f"{config['_target_']} gives {type(built).__name__}, but Optimizer is needed"
        )
    scale_head(built, model, classes, head_lr_factor)
    return built


def schedule(
    config: dict[str, Any],
    lr: float | None,
    epochs: int,
    steps_per_epoch: int,
    max_lr: float | None = None,
) -> Schedule:
    """Build the schedule for the length of the run.

    Args:
        config: the scheduler's node.
        lr: the optimizer's learning rate, from which schedulers of torch and timm start; None if
            it has none.
        epochs: number of epochs in the whole run.
        steps_per_epoch: optimizer steps per full epoch.
        max_lr: the learning rate found, if the configuration says ``max_lr: find``; None uses 1
            until it is found.
    """
    if config.get("max_lr") == FIND:
        config = {**config, "max_lr": 1.0 if max_lr is None else max_lr}
    kind, length = target_of(config), (epochs, steps_per_epoch)
    if is_torch_scheduler(kind):
        make = maker({key: value for key, value in config.items() if key != EVERY})
        return schedulers.of_torch(make, kind, _needed(lr, kind), *length, config.get(EVERY))
    if is_timm_scheduler(kind):
        return schedulers.of_timm(maker(config), kind, _needed(lr, kind), *length)
    if is_rate(kind):
        return listed.of_function(maker(config), kind.__name__, lr, *length)
    schedule: Schedule = node(config, epochs=epochs, steps_per_epoch=steps_per_epoch)
    if not hasattr(schedule, "learning_rate"):
        raise TypeError(
            f"{config['_target_']} does not give a schedule; a function of the step has the "
            "arguments step and steps and returns the learning rate"
        )
    return schedule


def _needed(lr: float | None, kind: Any) -> float:
    if lr is None:
        raise ValueError(f"{kind.__name__} starts from optimizer.lr, which is not set")
    return lr
