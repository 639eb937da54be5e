"""Which part of a prediction is explained: a logit, or the difference of two logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from cifar_lab.explain.maps import left_as_it_was

#: Images per forward pass.
BATCH_SIZE = 256

TargetName = Literal["predicted", "true", "difference"]
TARGETS: tuple[TargetName, ...] = get_args(TargetName)


@dataclass(frozen=True)
class Targets:
    """The explained value of each image: ``logit[first] - logit[second]``.

    Attributes:
        first: int64 ``(n,)``, classes.
        second: int64 ``(n,)``, classes; -1 to subtract nothing.
    """

    first: Tensor
    second: Tensor

    @classmethod
    def named(cls, name: TargetName, predicted: Tensor, labels: Tensor) -> Targets:
        """Targets by name; ``difference`` is predicted minus true; classes are int64 ``(n,)``."""
        first = labels if name == "true" else predicted
        nothing = torch.full_like(first, -1)
        return cls(first, labels if name == "difference" else nothing)

    def values(self, logits: Tensor) -> Tensor:
        """The explained value of each row of logits, float ``(n,)``."""
        return value(logits, self.first, self.second)


class ExplainedValue(nn.Module):
    """A model that returns only the explained value, for Captum.

    Args:
        model: maps images to logits.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Map images ``(n, 3, height, width)`` and classes ``(n,)`` to values ``(n,)``."""
        return value(self.model(images), first, second)


def predict(model: nn.Module, images: Tensor) -> Tensor:
    """Compute logits in float32 and eval mode, without gradients: float32 ``(n, classes)``."""
    with left_as_it_was(model), torch.no_grad():
        return torch.cat([model(batch) for batch in images.float().split(BATCH_SIZE)])


def value(logits: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """``logits[first] - logits[second]`` for each row; a ``second`` of -1 subtracts nothing."""
    taken_off = logits.gather(1, second.clamp(min=0)[:, None]).squeeze(1)
    return logits.gather(1, first[:, None]).squeeze(1) - taken_off * (second >= 0)


def class_biases(model: nn.Module, classes: int) -> Tensor:
    """Biases of the network's head, float32 ``(classes,)``; zeros if it has none.

    The head is the last linear layer, or convolution, with one output for each class. What maps
    can explain of a logit is what lies above its bias.
    """
    heads = [
        module
        for module in model.modules()
        if isinstance(module, (nn.Linear, nn.Conv2d)) and module.weight.shape[0] == classes
    ]
    bias = heads[-1].bias if heads else None
    return torch.zeros(classes) if bias is None else bias.detach().float().cpu().clone()
