"""torchvision's models by name, without pretrained weights, made to fit images of about 32×32.

https://docs.pytorch.org/vision/stable/models.html. They use a ReLU module more than once, which
Captum's DeepLift refuses; timm's models of the same names do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cifar_lab.models.small_images import (
    FIRST_HALVINGS,
    LAST_HALVINGS,
    WINDOW_SIDE,
    MapLayout,
    declare,
    last_of_each_size,
    look,
    patch_projection,
    patch_side,
    quarters,
    take_out_halvings,
    unadapted,
    unfit,
    unknown,
)


@dataclass(frozen=True)
class Family:
    """How the models of one of torchvision's modules are made to fit.

    Attributes:
        build: makes a model from its name, height and width of the images, and how many classes
            there are.
        trunk: name of the container of stages or blocks; empty where the model itself is.
        map_layout: of what these put out.
    """

    build: Callable[[str, tuple[int, int], int], Any]
    trunk: str
    map_layout: MapLayout


def torchvision_model(num_classes: int, image_size: tuple[int, int], name: str) -> nn.Module:
    """One of torchvision's classifiers for small images.

    Args:
        num_classes: length of a row of logits.
        image_size: height and width in pixels.
        name: as torchvision lists it.

    Returns:
        torchvision's own module, which maps float ``(batch, 3, height, width)`` to logits, float
        ``(batch, num_classes)``, and names its ``explainable_layers``, their ``map_layout`` and
        their ``prefix_tokens``.

    Raises:
        ValueError: torchvision has no such classifier, or it has no version for small images here.
    """
    family = _family(name)
    try:
        model: nn.Module = family.build(name, image_size, num_classes)
        look(model, image_size)
    except (AssertionError, RuntimeError) as error:
        raise unfit(name, image_size, error) from error
    if family.map_layout == "tokens":
        declare(model, _attended(model, family.trunk), "tokens", prefix_tokens=1)
    else:
        layers = last_of_each_size(model, family.trunk, image_size, family.map_layout)
        declare(model, layers, family.map_layout)
    return model


def _family(name: str) -> Family:
    """The family of a model: that of the module its builder stands in."""
    import torchvision.models  # costs seconds

    names = torchvision.models.list_models(module=torchvision.models)
    if name not in names:
        raise unknown(name, names, "torchvision.models")
    module = torchvision.models.get_model_builder(name).__module__.rsplit(".", 1)[-1]
    if module not in FAMILIES:
        raise unadapted(name, module, FAMILIES, "torchvision")
    return FAMILIES[module]


def _created(name: str, **arguments: Any) -> Any:
    import torchvision.models

    return torchvision.models.get_model(name, weights=None, **arguments)


def _halved_less(name: str, _size: tuple[int, int], num_classes: int) -> Any:
    model = _created(name, num_classes=num_classes)
    take_out_halvings(model, FIRST_HALVINGS)
    return model


def _vgg(name: str, _size: tuple[int, int], num_classes: int) -> Any:
    """As it is drawn for CIFAR: the last pools go, which costs least, and so do fc6 and fc7."""
    with torch.device("meta"):  # drawing their hundred million weights would take seconds
        model = _created(name)
    model.features.to_empty(device="cpu")
    model.avgpool, model.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(512, num_classes)
    for module in model.modules():  # as torchvision draws them
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    nn.init.normal_(model.classifier.weight, std=0.01)
    nn.init.zeros_(model.classifier.bias)
    take_out_halvings(model, LAST_HALVINGS)
    return model


def _swin(name: str, _size: tuple[int, int], num_classes: int) -> Any:
    """On patches of one pixel, in windows that divide its maps."""
    from torchvision.models.swin_transformer import ShiftedWindowAttention

    model = _halved_less(name, _size, num_classes)
    for module in model.modules():
        if isinstance(module, ShiftedWindowAttention):
            module.window_size = [WINDOW_SIDE, WINDOW_SIDE]
            module.shift_size = [WINDOW_SIDE // 2 if shift else 0 for shift in module.shift_size]
            module.define_relative_position_bias_table()
            module.define_relative_position_index()
    return model


def _vision_transformer(name: str, size: tuple[int, int], num_classes: int) -> Any:
    """Built for as many of its large patches, which are fixed, as there will be small ones."""
    height, width = size
    assert height == width, "it takes square images"
    with torch.device("meta"):  # costs nothing
        drawn_for = _created(name).patch_size
    side = patch_side(size)
    model = _created(name, num_classes=num_classes, image_size=height // side * drawn_for)
    model.image_size, model.patch_size = height, side
    model.conv_proj = patch_projection(model.hidden_dim, side)
    return model


def _attended(model: nn.Module, trunk: str) -> tuple[str, ...]:
    """The blocks that end a quarter of the depth, the last by what its attention reads.

    Behind the last attention the class token alone is read: no logit depends on the patches there.
    """
    blocks = [f"{trunk}.{block}" for block, _ in model.get_submodule(trunk).named_children()]
    *first, last = quarters(blocks)
    return (*first, f"{last}.ln_1")


#: torchvision's modules; tests/models/test_torchvision_model.py tries each with one of its models.
FAMILIES = {
    "convnext": Family(_halved_less, "features", "channels_first"),
    "densenet": Family(_halved_less, "features", "channels_first"),
    "efficientnet": Family(_halved_less, "features", "channels_first"),
    "mnasnet": Family(_halved_less, "layers", "channels_first"),
    "mobilenetv2": Family(_halved_less, "features", "channels_first"),
    "mobilenetv3": Family(_halved_less, "features", "channels_first"),
    "regnet": Family(_halved_less, "trunk_output", "channels_first"),
    "resnet": Family(_halved_less, "", "channels_first"),  # ResNeXt, Wide ResNet
    "shufflenetv2": Family(_halved_less, "", "channels_first"),
    "squeezenet": Family(_halved_less, "features", "channels_first"),
    "swin_transformer": Family(_swin, "features", "channels_last"),
    "vgg": Family(_vgg, "features", "channels_first"),
    "vision_transformer": Family(_vision_transformer, "encoder.layers", "tokens"),
}
