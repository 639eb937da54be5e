"""GradCAM of the predicted class, in a single forward pass."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.explain.maps import probed

#: Images explained at once; their maps and gradients are in memory at the same time.
BATCH_SIZE = 200


def gradcam_of_predictions(
    model: nn.Module, layer: str, images: Tensor
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Signed maps of the predicted logits, equal to those of :func:`..attribution.attribute`.

    Args:
        model: maps images to logits.
        layer: name of a module whose output is a map, see :mod:`cifar_lab.explain.maps`.
        images: float32 ``(n, 3, height, width)``, normalised.

    Returns:
        Maps, float32 ``(n, h, w)``, and the predicted classes, int64 ``(n,)``.
    """
    from captum.attr import LayerGradCam  # importing it takes seconds

    predicted: list[Tensor] = []

    def largest_logit(batch: Tensor) -> Tensor:
        largest = model(batch).max(dim=1)
        predicted.append(largest.indices)
        return largest.values

    maps = []
    with probed(model, layer) as probe:
        method = LayerGradCam(largest_logit, probe)
        for batch in images.float().split(BATCH_SIZE):
            attribution = method.attribute(batch, relu_attributions=False)
            assert isinstance(attribution, Tensor)
            maps.append(attribution.detach().squeeze(1).cpu().numpy().astype(np.float32))
    return np.concatenate(maps), torch.cat(predicted).cpu().numpy()
