"""Builds the criterion, with the weights of its classes, and tries it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from cifar_lab.assembly.parts import maker, target_of
from cifar_lab.contracts import parameters_of
from cifar_lab.nodes import BALANCED
from cifar_lab.optim.criteria import balanced_weights
from cifar_lab.refusal import Refusal

#: Arguments that hold one number for each class: of ours and of a user's own, and of torch's.
CLASS_WEIGHTS, WEIGHT = "class_weights", "weight"


def criterion(
    config: dict[str, Any],
    classes: int | None,
    class_counts: Sequence[int] | None,
    device: torch.device,
) -> nn.Module:
    """Build the criterion on its device and try it.

    Args:
        config: the criterion's node.
        classes: number of classes; None if unknown, to try nothing.
        class_counts: training images of each class; None if unknown as yet, to weight all alike.
        device: of the logits.

    Raises:
        Refusal: it gives no mean loss with a gradient, or there is not one weight for each class.
    """
    weights = _weights(config, target_of(config), classes, class_counts)
    make = maker({key: value for key, value in config.items() if key != CLASS_WEIGHTS})
    built = make(**weights)
    if not isinstance(built, nn.Module):
        raise TypeError(
            f"{config['_target_']} gives {type(built).__name__}, but Module is needed: a module "
            "that maps (logits, labels) to a mean loss"
        )
    built.to(device)
    if classes is None:
        return built
    weight = getattr(built, WEIGHT, None)
    if isinstance(weight, torch.Tensor) and _is_of_library(config) and weight.ndim == 1:
        _refuse_other_count(WEIGHT, len(weight), classes)
    loss = _loss(built, classes, device)
    if not isinstance(loss, torch.Tensor) or loss.shape != () or not loss.requires_grad:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else repr(type(loss))
        raise Refusal(
            f"criterion: {config['_target_']} must return a mean loss of shape () with a gradient, "
            f"from logits (batch, classes) and labels (batch,); got {got}"
        )
    return built


def _loss(built: nn.Module, classes: int, device: torch.device) -> Any:
    # One more image than classes, so that the shapes of logits and labels never match by chance.
    logits = torch.zeros(classes + 1, classes, device=device, requires_grad=True)
    labels = torch.arange(classes + 1, device=device) % classes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong is told as a problem
        return built(logits, labels)


def _weights(
    config: dict[str, Any], kind: Any, classes: int | None, class_counts: Sequence[int] | None
) -> dict[str, Any]:
    """Return the weights of the classes: numbers or, for torch's ``weight``, a tensor of them."""
    takes = parameters_of(kind)
    given = config.get(CLASS_WEIGHTS)
    if CLASS_WEIGHTS in takes:
        return {CLASS_WEIGHTS: _numbers(CLASS_WEIGHTS, given, classes, class_counts)}
    of_torch = WEIGHT in takes and _is_of_library(config)
    if given is not None and not of_torch:
        raise Refusal(
            f"criterion.class_weights: {config['_target_']} takes none; give it an argument "
            "class_weights, a list of one number for each class, or set class_weights to null"
        )
    key, given = (CLASS_WEIGHTS, given) if given is not None else (WEIGHT, config.get(WEIGHT))
    if not of_torch or not isinstance(given, (str, list)):
        return {}
    return {WEIGHT: torch.tensor(_numbers(key, given, classes, class_counts), dtype=torch.float32)}


def _numbers(
    key: str, given: Any, classes: int | None, class_counts: Sequence[int] | None
) -> list[float] | None:
    if given == BALANCED:
        known = class_counts is not None and len(class_counts) == classes
        return balanced_weights(class_counts if class_counts and known else [1] * (classes or 1))
    if given is not None and classes is not None:
        _refuse_other_count(key, len(given), classes)
    numbers: list[float] | None = given
    return numbers


def _refuse_other_count(key: str, count: int, classes: int) -> None:
    if count != classes:
        raise Refusal(
            f"criterion.{key} has {count} numbers, but there are {classes} classes; give one for "
            f"each class in the order of the labels, or {key}: {BALANCED}"
        )


def _is_of_library(config: dict[str, Any]) -> bool:
    return str(config["_target_"]).split(".")[0] in ("torch", "timm")
