"""Attribution methods by name: which parts of an image or a layer's map support a logit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.explain.cams import class_activation_maps
from cifar_lab.explain.maps import left_as_it_was
from cifar_lab.explain.targets import ExplainedValue, Targets
from cifar_lab.network import declared_by
from cifar_lab.refusal import Refusal

#: Images explained at once.
BATCH_SIZE = 50
#: Number of points on the path from baseline to image, for integrated gradients.
STEPS = 32
#: Side and stride in pixels of the square that occlusion covers.
SQUARE, STRIDE = 4, 2

#: Explains one batch, given the wrapped model, its layer, the images and both target classes;
#: returns signed maps ``(n, h, w)``.
Method = Callable[[ExplainedValue, str, Tensor, tuple[Tensor, Tensor]], Tensor]


def attribute(
    model: nn.Module, method: str, layer: str, images: Tensor, targets: Targets
) -> NDArray[np.float32]:
    """Signed attribution maps in logit units, positive where a location supports the target.

    Computed in float32 and eval mode; the model and its buffers are left unchanged.

    Args:
        model: maps images to logits.
        method: one of ``METHODS``.
        layer: name of a module whose output is a map; ignored by methods in ``WITHOUT_LAYER``.
        images: float32 ``(n, 3, height, width)``, normalised: 0 is the mean of the data, which is
            the baseline of integrated gradients and the fill value of occlusion.
        targets: the values to explain.

    Returns:
        float32 ``(n, h, w)``: at the layer's resolution for methods that use a layer, otherwise at
        the image's, summed over colour channels.

    Raises:
        Refusal: the method does not exist, does not support the model, or needs a package that is
            not installed.
    """
    if method not in METHODS:
        raise Refusal(f"method={method}: must be one of {', '.join(METHODS)}")
    if method in WITH_CAPTUM and find_spec("captum") is None:
        raise Refusal(
            f"method={method} needs captum, which is not installed: pip install captum, or use "
            f"{' or '.join(LAYER_METHODS)}"
        )
    explained = ExplainedValue(model)
    batches = (part.split(BATCH_SIZE) for part in (images.float(), targets.first, targets.second))
    maps = [
        METHODS[method](explained, layer, batch, (first, second)).detach().cpu().numpy()
        for batch, first, second in zip(*batches, strict=True)
    ]
    return np.concatenate(maps).astype(np.float32)


def _gradcam(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Channels weighted by mean gradient, without ReLU (https://arxiv.org/abs/1610.02391)."""
    return torch.from_numpy(
        class_activation_maps(explained.model, layer, images, Targets(*classes)).gradcam
    )


def _hirescam(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Gradient times activation, summed over channels (https://arxiv.org/abs/2011.08891)."""
    return torch.from_numpy(
        class_activation_maps(explained.model, layer, images, Targets(*classes)).hirescam
    )


def _guided_gradcam(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Guided backpropagation (ReLU modules only) times the upsampled positive part of GradCAM."""
    from captum.attr import GuidedGradCam

    modules = list(explained.modules())
    if not any(isinstance(module, nn.ReLU) for module in modules):
        raise Refusal(
            f"method=guided_gradcam guides gradients through ReLU modules, but "
            f"{type(explained.model).__name__} has none; use gradcam, hirescam, "
            "integrated_gradients or occlusion"
        )
    if declared_by(explained.model).map_layout != "channels_first":
        raise Refusal("method=guided_gradcam needs a channels-first model; use gradcam or hirescam")
    with left_as_it_was(explained), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting .* hooks")  # Captum removes them again
        method = GuidedGradCam(explained, explained.model.get_submodule(layer))
        maps = _one(method.attribute(_leaf(images), additional_forward_args=classes))
    return maps.sum(1)


def _integrated_gradients(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Gradients averaged along the path from the mean image (https://arxiv.org/abs/1703.01365)."""
    from captum.attr import IntegratedGradients

    with left_as_it_was(explained):
        maps = IntegratedGradients(explained).attribute(
            _leaf(images),
            additional_forward_args=classes,
            n_steps=STEPS,
            internal_batch_size=max(len(images), 256),
        )
    return _one(maps).sum(1)


def _occlusion(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Drop of the target when a square is covered with the mean, averaged over squares."""
    from captum.attr import Occlusion

    side = min(SQUARE, *images.shape[2:])
    with left_as_it_was(explained):
        maps = Occlusion(explained).attribute(
            images,
            sliding_window_shapes=(images.shape[1], side, side),
            strides=(images.shape[1], STRIDE, STRIDE),
            additional_forward_args=classes,
        )
    return _one(maps)[:, 0]  # all channels are covered together, so each holds the full drop


def _leaf(images: Tensor) -> Tensor:
    """A copy of the images that requires gradients, as Captum needs."""
    return images.detach().clone().requires_grad_()


def _one(attributions: Any) -> Tensor:
    assert isinstance(attributions, Tensor)
    return attributions


METHODS: dict[str, Method] = {
    "gradcam": _gradcam,
    "hirescam": _hirescam,
    "guided_gradcam": _guided_gradcam,
    "integrated_gradients": _integrated_gradients,
    "occlusion": _occlusion,
}
#: Methods whose maps have a layer's resolution.
LAYER_METHODS = ("gradcam", "hirescam")
#: Methods that Captum computes.
WITH_CAPTUM = ("guided_gradcam", "integrated_gradients", "occlusion")
#: Methods that explain only the image; they ignore the layer.
WITHOUT_LAYER = ("integrated_gradients", "occlusion")
#: Unit of a map's values by method, for a colour bar.
UNITS = {
    "gradcam": "logits per cell",
    "hirescam": "logits per cell",
    "guided_gradcam": "gradient × GradCAM",
    "integrated_gradients": "logits per pixel",
    "occlusion": "drop in logits",
}
#: Names of the methods as people write them.
NAMES = {
    "gradcam": "GradCAM",
    "hirescam": "HiResCAM",
    "guided_gradcam": "Guided GradCAM",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
}
