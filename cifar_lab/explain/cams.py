"""GradCAM and HiResCAM of the same logits, in a single forward and backward pass."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.explain.maps import probed
from cifar_lab.explain.targets import Targets

#: Images explained at once; their maps and gradients are in memory at the same time.
BATCH_SIZE = 200
#: Agreement with HiResCAM below which GradCAM is considered unfaithful.
FAITHFUL = 0.99


class Cams(NamedTuple):
    """Signed maps of the explained values, in logit units, and the logits.

    Attributes:
        gradcam: float32 ``(n, h, w)``: channels weighted by their mean gradient, without ReLU
            (https://arxiv.org/abs/1610.02391).
        hirescam: float32 ``(n, h, w)``: gradient times activation, summed over channels
            (https://arxiv.org/abs/2011.08891).
        logits: float32 ``(n, classes)``.
    """

    gradcam: NDArray[np.float32]
    hirescam: NDArray[np.float32]
    logits: NDArray[np.float32]


def class_activation_maps(
    model: nn.Module, layer: str, images: Tensor, targets: Targets | None = None
) -> Cams:
    """Maps at a layer, computed in float32 and eval mode; the model is left unchanged.

    Args:
        model: maps images to logits.
        layer: name of a module whose output is a map, see :mod:`cifar_lab.explain.maps`.
        images: float32 ``(n, 3, height, width)``, normalised.
        targets: the values to explain; None explains the largest logit of this pass.
    """
    seen: list[Tensor] = []
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    with probed(model, layer) as probe:
        probe.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
        for start in range(0, len(images), BATCH_SIZE):
            chosen = slice(start, start + BATCH_SIZE)
            logits = model(images[chosen].float())
            if targets is None:
                explained = logits.max(dim=1).values
            else:
                explained = Targets(targets.first[chosen], targets.second[chosen]).values(logits)
            activation = seen.pop()
            (gradient,) = torch.autograd.grad(explained.sum(), activation)
            weights = gradient.mean((2, 3), keepdim=True)
            both = [(factor * activation).sum(1).detach() for factor in (weights, gradient)]
            parts.append((both[0], both[1], logits.detach()))
    joined = (torch.cat(part).cpu().numpy().astype(np.float32) for part in zip(*parts, strict=True))
    return Cams(*joined)


def agreement(gradcam: NDArray[np.float32], hirescam: NDArray[np.float32]) -> float:
    """Correlation of GradCAM's maps with HiResCAM's over all cells; 1 if they are equal.

    GradCAM weights every location of a channel by its mean gradient. Under a global average pool,
    all gradients of a channel are equal, and the map sums to the logit minus its bias; under a max
    pool or a wider head they are not, and only HiResCAM sums to it.

    Args:
        gradcam: float32 ``(n, h, w)``.
        hirescam: float32 ``(n, h, w)``, of the same values.
    """
    spread = gradcam.std() * hirescam.std()
    if spread == 0:
        return float(np.allclose(gradcam, hirescam))
    moment = np.mean((gradcam - gradcam.mean()) * (hirescam - hirescam.mean()))
    return float(moment / spread)


def leading(agreement: float) -> tuple[str, ...]:
    """The methods to show, the one to rely on first: HiResCAM where GradCAM is unfaithful."""
    return ("gradcam",) if agreement >= FAITHFUL else ("hirescam", "gradcam")
