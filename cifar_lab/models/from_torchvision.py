"""torchvision's models by name, without pretrained weights, adapted to images of about 32×32.

https://docs.pytorch.org/vision/stable/models.html. They use the same ReLU module more than once,
which Captum's DeepLift refuses; timm's models of the same names do not.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from cifar_lab.models.families import Build, Create, Family, Library, Size, fitted, halved_less
from cifar_lab.models.small_images import (
    LAST_HALVINGS,
    WINDOW_SIDE,
    attended,
    last_of_each_size,
    patch_projection,
    patch_side,
    take_out_halvings,
)
from cifar_lab.network import MapLayout


def torchvision_model(num_classes: int, image_size: tuple[int, int], name: str) -> nn.Module:
    """Build one of torchvision's classifiers for small images.

    Args:
        num_classes: number of classes.
        image_size: height and width in pixels.
        name: torchvision's name for it.

    Returns:
        torchvision's own module, see :func:`~cifar_lab.models.families.fitted`.

    Raises:
        ValueError: torchvision has no such classifier, or it has no version for small images.
    """
    return fitted(_torchvision(), FAMILIES, name, image_size, {"num_classes": num_classes})


def _torchvision() -> Library:
    from torchvision import models  # importing it takes seconds

    return Library(
        "torchvision",
        "torchvision.models",
        models.list_models(module=models),
        models.get_model_builder,
        partial(models.get_model, weights=None),
    )


def _vgg(create: Create, _size: Size, arguments: dict[str, Any]) -> Any:
    """The CIFAR variant: drop the last two pools, which costs least, and also fc6 and fc7."""
    with torch.device("meta"):  # initialising a hundred million weights would take seconds
        model = create()
    model.features.to_empty(device="cpu")
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    model.classifier = nn.Linear(512, arguments["num_classes"])
    for module in model.modules():  # the same initialisation as torchvision's
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    nn.init.normal_(model.classifier.weight, std=0.01)
    nn.init.zeros_(model.classifier.bias)
    take_out_halvings(model, LAST_HALVINGS)
    return model


def _swin(create: Create, size: Size, arguments: dict[str, Any]) -> Any:
    """Use patches of one pixel, and windows that divide its maps evenly."""
    from torchvision.models.swin_transformer import ShiftedWindowAttention

    model = halved_less(create, size, arguments)
    for module in model.modules():
        if isinstance(module, ShiftedWindowAttention):
            module.window_size = [WINDOW_SIDE, WINDOW_SIDE]
            module.shift_size = [WINDOW_SIDE // 2 if shift else 0 for shift in module.shift_size]
            module.define_relative_position_bias_table()
            module.define_relative_position_index()
    return model


def _vision_transformer(create: Create, size: Size, arguments: dict[str, Any]) -> Any:
    """Build for as many of its fixed-size large patches as there will be small ones."""
    height, width = size
    assert height == width, "it needs square images"
    with torch.device("meta"):  # allocates nothing
        drawn_for = create().patch_size
    side = patch_side(size)
    model = create(image_size=height // side * drawn_for, **arguments)
    model.image_size, model.patch_size = height, side
    model.conv_proj = patch_projection(model.hidden_dim, side)
    return model


def _attended(model: nn.Module, _size: Size) -> tuple[str, ...]:
    trunk = "encoder.layers"
    blocks = [f"{trunk}.{block}" for block, _ in model.get_submodule(trunk).named_children()]
    return attended(blocks, "ln_1")


def _class_token(_model: nn.Module) -> int:
    return 1


def _staged(
    trunk: str, build: Build = halved_less, map_layout: MapLayout = "channels_first"
) -> Family:
    """A family to be explained at the last module of each map size in a container.

    Args:
        trunk: name of the container of stages or blocks; empty for the model itself.
        build: builds a model.
        map_layout: layout of the stages' outputs.
    """

    def layers(model: nn.Module, size: Size) -> tuple[str, ...]:
        return last_of_each_size(model, trunk, size, map_layout)

    return Family(build, layers, map_layout)


#: torchvision's modules; tests/models/test_from_torchvision.py tests each with one of its models.
FAMILIES = {
    "convnext": _staged("features"),
    "densenet": _staged("features"),
    "efficientnet": _staged("features"),
    "mnasnet": _staged("layers"),
    "mobilenetv2": _staged("features"),
    "mobilenetv3": _staged("features"),
    "regnet": _staged("trunk_output"),
    "resnet": _staged(""),  # ResNeXt, Wide ResNet
    "shufflenetv2": _staged(""),
    "squeezenet": _staged("features"),
    "swin_transformer": _staged("features", _swin, "channels_last"),
    "vgg": _staged("features", _vgg),
    "vision_transformer": Family(_vision_transformer, _attended, "tokens", _class_token),
}
