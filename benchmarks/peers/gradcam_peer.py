"""GradCAM of predicted classes, with the grad-cam package and with Captum in a plain loop."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from torch import Tensor, nn


def by_package(
    model: nn.Module, images: Tensor, layer: str, batch_size: int
) -> NDArray[np.float32]:
    """Maps as returned by the package: rectified, scaled to 0 … 1, at the size of the images."""
    from pytorch_grad_cam import GradCAM

    with GradCAM(model=model, target_layers=[model.get_submodule(layer)]) as cam:
        maps = [cam(input_tensor=batch, targets=None) for batch in images.split(batch_size)]
    return np.concatenate(maps)


def as_package(maps: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Converts signed maps to the form that the package returns.

    Args:
        maps: float32 ``(n, h, w)``.
        size: height and width of the images.
    """
    from pytorch_grad_cam.utils.image import scale_cam_image

    resized = scale_cam_image(np.maximum(maps, 0), size[::-1])
    return scale_cam_image(resized)


def by_captum(
    model: nn.Module, images: Tensor, layer: str, batch_size: int
) -> tuple[NDArray[np.float32], Tensor]:
    """Predicts, then attributes; returns signed maps at the layer's size and the classes."""
    attribution = LayerGradCam(model, model.get_submodule(layer))
    model.eval()
    maps, classes = [], []
    for batch in images.split(batch_size):
        with torch.no_grad():
            predicted = model(batch).argmax(dim=1)
        found = attribution.attribute(batch, target=predicted)
        maps.append(found.detach().squeeze(1).cpu().numpy())
        classes.append(predicted)
    return np.concatenate(maps), torch.cat(classes)
