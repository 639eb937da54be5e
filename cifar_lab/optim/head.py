"""A learning rate of its own for the last layer."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer


def scale_head(optimizer: Optimizer, model: nn.Module, classes: int, factor: float) -> None:
    """Multiply the learning rate of the head's parameters, at every step of every schedule.

    Args:
        optimizer: of the model. Its groups are divided where they hold other parameters too, and
            those of the head get ``lr_scale``, by which each learning rate is multiplied.
        model: its head is the last layer with one output for each class.
        classes: number of classes.
        factor: 1 changes nothing.

    Raises:
        ValueError: no layer has one output for each class.
    """
    if factor == 1:
        return
    head = {id(parameter) for parameter in _head(model, classes).parameters(recurse=False)}
    for group in list(optimizer.param_groups):
        mine = [p for p in group["params"] if id(p) in head]
        if not mine:
            continue
        scaled = {
            **group,
            "params": mine,
            "lr": group["lr"] * factor,
            "lr_scale": group.get("lr_scale", 1.0) * factor,
        }
        if len(mine) == len(group["params"]):
            group.update(scaled)
        else:
            group["params"] = [p for p in group["params"] if id(p) not in head]
            optimizer.add_param_group(scaled)


def _head(model: nn.Module, classes: int) -> nn.Module:
    found = None
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if parameter.ndim > 1 and len(parameter) == classes:
                found = module
    if found is None:
        raise ValueError(
            f"head_lr_factor needs a last layer with one output for each of the {classes} classes, "
            f"which {type(model).__name__} does not have; set trainer.head_lr_factor=1"
        )
    return found
