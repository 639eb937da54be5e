"""GradCAM, by Captum (Selvaraju et al., https://arxiv.org/abs/1610.02391)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

#: Images explained at once: their maps and gradients stay in memory together.
BATCH_SIZE = 100


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
    return _explained(model, layer, images, classes)[0]


def gradcam_of_predictions(
    model: nn.Module, layer: str, images: Tensor
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Maps as :func:`gradcam` gives them, of the class that the same forward pass predicts.

    Returns:
        Maps, float32 ``(n, h, w)``, and the predicted classes, int64 ``(n,)``.
    """
    return _explained(model, layer, images, None)


def _explained(
    model: nn.Module, layer: str, images: Tensor, classes: Tensor | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from captum.attr import LayerGradCam  # costs seconds to import

    explained: list[Tensor] = []

    def logit(batch: Tensor) -> Tensor:
        """The logit to explain: one forward pass predicts and is explained."""
        logits = model(batch)
        start = sum(map(len, explained))
        chosen = logits.argmax(1) if classes is None else classes[start : start + len(batch)]
        explained.append(chosen)
        return logits.gather(1, chosen[:, None]).squeeze(1)

    maps = []
    with _only_gradients_from(model, layer):
        method = LayerGradCam(logit, model.get_submodule(layer))
        for batch in images.float().split(BATCH_SIZE):
            attribution = method.attribute(batch, relu_attributions=False)
            assert isinstance(attribution, Tensor)
            maps.append(attribution.detach().squeeze(1).cpu().numpy().astype(np.float32))
    return np.concatenate(maps), torch.cat(explained).cpu().numpy()


@contextlib.contextmanager
def _only_gradients_from(model: nn.Module, layer: str) -> Iterator[None]:
    """Eval mode, with nothing recorded for gradients before the layer; all put back afterwards."""
    modes = {module: module.training for module in model.modules()}
    trained = [p for p in model.parameters() if p.requires_grad]

    def begin(_module: nn.Module, _inputs: object, output: object) -> object:
        return output.detach().requires_grad_() if isinstance(output, Tensor) else output

    handle = model.get_submodule(layer).register_forward_hook(begin)
    try:
        model.eval()  # in train mode the forward passes would move batch-norm statistics
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        handle.remove()
        for parameter in trained:
            parameter.requires_grad_(True)
        for module, mode in modes.items():
            module.training = mode
