"""Attribution by name: what of an image, or of a layer's map, speaks for a logit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_lab.explain.maps import left_as_it_was, probed
from cifar_lab.explain.targets import ExplainedValue, Targets
from cifar_lab.network import declared_by
from cifar_lab.refusal import Refusal

#: Images explained at once.
BATCH_SIZE = 50
#: Points on the way from the baseline to the image, for integrated gradients.
STEPS = 32
#: Side and step in pixels of the square that occlusion covers.
SQUARE, STRIDE = 4, 2
#: Agreement with HiResCAM below which GradCAM is called unfaithful.
FAITHFUL = 0.99

#: One batch: the wrapped model, its layer, images, and both classes of the target; gives signed
#: maps ``(n, h, w)``.
Method = Callable[[ExplainedValue, str, Tensor, tuple[Tensor, Tensor]], Tensor]


def attribute(
    model: nn.Module, method: str, layer: str, images: Tensor, targets: Targets
) -> NDArray[np.float32]:
    """Signed maps: positive where a place speaks for the target, in logit units.

    Computed in float32 and eval mode; the model and its buffers are left as they were.

    Args:
        model: maps images to logits.
        method: one of ``METHODS``.
        layer: name of a module whose output is a map; nothing to those of ``WITHOUT_LAYER``.
        images: float32 ``(n, 3, height, width)``, normalised: 0 is the mean of the data, which
            integrated gradients start from and occlusion covers with.
        targets: what is explained.

    Returns:
        float32 ``(n, h, w)``: at the layer's resolution for the methods that look at one, else at
        the image's, summed over colours.

    Raises:
        Refusal: no such method, or it does not fit the model.
    """
    if method not in METHODS:
        raise Refusal(f"method={method}: must be one of {', '.join(METHODS)}")
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
    """Channels weighted by their mean gradient (https://arxiv.org/abs/1610.02391), no ReLU."""
    from captum.attr import LayerGradCam

    with probed(explained.model, layer) as probe:
        maps = _one(
            LayerGradCam(explained, probe).attribute(
                images, additional_forward_args=classes, relu_attributions=False
            )
        )
    return maps.squeeze(1)


def _hirescam(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Gradient times activation, summed over channels (https://arxiv.org/abs/2011.08891)."""
    from captum.attr import LayerGradientXActivation

    with probed(explained.model, layer) as probe:
        maps = _one(
            LayerGradientXActivation(explained, probe).attribute(
                images, additional_forward_args=classes
            )
        )
    return maps.sum(1)


def _guided_gradcam(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Guided backpropagation times the positive part of GradCAM, enlarged; of module ReLUs."""
    from captum.attr import GuidedGradCam

    modules = list(explained.modules())
    if not any(isinstance(module, nn.ReLU) for module in modules):
        raise Refusal(
            f"method=guided_gradcam guides gradients through ReLU modules, and "
            f"{type(explained.model).__name__} has none; take gradcam, hirescam, "
            "integrated_gradients or occlusion"
        )
    if declared_by(explained.model).map_layout != "channels_first":
        raise Refusal("method=guided_gradcam needs channels first; take gradcam or hirescam")
    with left_as_it_was(explained), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting .* hooks")  # it takes them off again
        method = GuidedGradCam(explained, explained.model.get_submodule(layer))
        maps = _one(method.attribute(_leaf(images), additional_forward_args=classes))
    return maps.sum(1)


def _integrated_gradients(
    explained: ExplainedValue, layer: str, images: Tensor, classes: tuple[Tensor, Tensor]
) -> Tensor:
    """Gradients averaged on the way from the mean image (https://arxiv.org/abs/1703.01365)."""
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
    """What the target loses when a square is covered with the mean, averaged over squares."""
    from captum.attr import Occlusion

    side = min(SQUARE, *images.shape[2:])
    with left_as_it_was(explained):
        maps = Occlusion(explained).attribute(
            images,
            sliding_window_shapes=(images.shape[1], side, side),
            strides=(images.shape[1], STRIDE, STRIDE),
            additional_forward_args=classes,
        )
    return _one(maps)[:, 0]  # colours are covered together, so that each has the whole loss


def agreement(
    model: nn.Module, layer: str, images: Tensor, targets: Targets, maps: NDArray[np.float32]
) -> float:
    """Correlation of GradCAM's maps with HiResCAM's over all cells; 1 where they say the same.

    GradCAM weighs every place of a channel by its mean gradient. Under a global average the
    gradients of a channel are equal, and the map adds up to the logit less its bias; under a max
    pool or a wider head they are not, and only HiResCAM adds up.

    Args:
        model, layer, images, targets: as in :func:`attribute`.
        maps: float32 ``(n, h, w)``, of GradCAM for them.
    """
    exact = attribute(model, "hirescam", layer, images, targets)
    spread = maps.std() * exact.std()
    if spread == 0:
        return 1.0
    return float(np.mean((maps - maps.mean()) * (exact - exact.mean())) / spread)


def _leaf(images: Tensor) -> Tensor:
    """A copy that Captum may ask for gradients of."""
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
#: Methods whose maps have the resolution of a layer.
LAYER_METHODS = ("gradcam", "hirescam")
#: Methods that look at the image alone; a layer means nothing to them.
WITHOUT_LAYER = ("integrated_gradients", "occlusion")
