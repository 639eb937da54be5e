"""GradCAM, by Captum (Selvaraju et al., https://arxiv.org/abs/1610.02391)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn


def gradcam(model: nn.Module, layer: str, images: Tensor, classes: Tensor) -> NDArray[np.float32]:
    """Signed GradCAM maps at the layer's own resolution.

    The map is the layer's channels weighted by their spatially averaged gradients, summed; no
    ReLU. Computed in float32 and eval mode; the model is left as it was.

    Args:
        model: maps images to logits.
        layer: name of a module whose output is ``(batch, channels, h, w)``.
        images: float32 ``(n, 3, height, width)``, normalised.
        classes: int64 ``(n,)``, the class whose logit is explained.

    Returns:
        float32 ``(n, h, w)``: positive where a place speaks for the class.
    """
    from captum.attr import LayerGradCam  # costs seconds to import

    was_training = model.training
    try:
        model.eval()  # in train mode the forward passes would move batch-norm statistics
        attribution = LayerGradCam(model, model.get_submodule(layer)).attribute(
            images.float(), target=classes, relu_attributions=False
        )
    finally:
        model.train(was_training)
    assert isinstance(attribution, Tensor)
    return attribution.detach().squeeze(1).cpu().numpy().astype(np.float32)
