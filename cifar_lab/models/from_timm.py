"""timm's models by name, without pretrained weights, made to fit images of about 32×32.

https://github.com/huggingface/pytorch-image-models
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cifar_lab.bounds import Fraction
from cifar_lab.models.small_images import (
    FIRST_HALVINGS,
    LAST_HALVINGS,
    WINDOW_SIDE,
    MapLayout,
    declare,
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
    """How the models of one of timm's modules are made to fit.

    Attributes:
        build: makes a model from its name, height and width of the images, and timm's arguments.
        layers: names what is worth explaining.
        map_layout: of what these layers put out.
    """

    build: Callable[[str, tuple[int, int], dict[str, Any]], Any]
    layers: Callable[[Any], tuple[str, ...]]
    map_layout: MapLayout


def timm_model(
    num_classes: int,
    image_size: tuple[int, int],
    name: str,
    drop_rate: Fraction | None,
    drop_path_rate: Fraction | None,
) -> nn.Module:
    """One of timm's models for small images.

    Args:
        num_classes: length of a row of logits.
        image_size: height and width in pixels.
        name: as timm lists it, without the tag of pretrained weights.
        drop_rate: of the dropout before the classifier; None for the model's own.
        drop_path_rate: of stochastic depth; None for the model's own.

    Returns:
        timm's own module, which maps float ``(batch, 3, height, width)`` to logits, float
        ``(batch, num_classes)``, and names its ``explainable_layers``, their ``map_layout`` and
        their ``prefix_tokens``.

    Raises:
        ValueError: timm has no such model, or it has no version for small images here, or it does
            not take an argument.
    """
    family = _family(name)
    rates = {"drop_rate": drop_rate, "drop_path_rate": drop_path_rate}
    given = {key: rate for key, rate in rates.items() if rate is not None}
    try:
        model = family.build(name, image_size, {"num_classes": num_classes, **given})
        look(model, image_size)
    except TypeError as error:
        raise ValueError(f"name={name}: {error}; set what it does not take to null") from error
    except (AssertionError, RuntimeError) as error:
        raise unfit(name, image_size, error) from error
    declare(model, family.layers(model), family.map_layout, getattr(model, "num_prefix_tokens", 0))
    return model


def _family(name: str) -> Family:
    """The family of a model: that of the module its entry point stands in."""
    import timm  # costs seconds

    names = timm.list_models()
    if name not in names:
        raise unknown(name, names, "timm")
    module = timm.models.model_entrypoint(name).__module__.rsplit(".", 1)[-1]
    if module not in FAMILIES:
        raise unadapted(name, module, FAMILIES, "timm")
    return FAMILIES[module]


def _created(name: str, **arguments: Any) -> Any:
    import timm

    return timm.create_model(name, pretrained=False, **arguments)


def _halved_less(name: str, _size: tuple[int, int], arguments: dict[str, Any]) -> Any:
    model = _created(name, **arguments)
    take_out_halvings(model, FIRST_HALVINGS)
    return model


def _vgg(name: str, _size: tuple[int, int], arguments: dict[str, Any]) -> Any:
    """As it is drawn for CIFAR: the last pools go, which costs least, and so do fc6 and fc7."""
    from timm.layers import ClassifierHead  # type: ignore[attr-defined]

    # A narrow fc6, as drawing a hundred million weights to throw them away takes seconds.
    model = _created(name, mlp_ratio=1 / 1024, **arguments)
    take_out_halvings(model, LAST_HALVINGS)
    model.pre_logits = nn.Identity()
    model.head = ClassifierHead(model.num_features, model.num_classes, drop_rate=model.drop_rate)
    nn.init.normal_(model.head.fc.weight, std=0.01)
    nn.init.zeros_(model.head.fc.bias)
    return model


def _transformer(name: str, size: tuple[int, int], arguments: dict[str, Any]) -> Any:
    return _created(name, img_size=size, patch_size=patch_side(size), **arguments)


def _swin(name: str, size: tuple[int, int], arguments: dict[str, Any]) -> Any:
    """Patches that are merged three times, as convolutional networks halve their maps."""
    side = max(1, patch_side(size) // 4)
    return _created(name, img_size=size, patch_size=side, window_size=WINDOW_SIDE, **arguments)


def _mixer(name: str, size: tuple[int, int], arguments: dict[str, Any]) -> Any:
    """Built for as many of its large patches, which are fixed, as there will be small ones."""
    with torch.device("meta"):  # costs nothing
        drawn_for = _created(name).stem.patch_size
    side = patch_side(size)
    drawn_size = (size[0] // side * drawn_for[0], size[1] // side * drawn_for[1])
    model = _created(name, img_size=drawn_size, **arguments)
    embed = model.stem
    embed.img_size, embed.patch_size = size, (side, side)
    embed.proj = patch_projection(embed.proj.out_channels, side)
    return model


def _stages(model: Any) -> tuple[str, ...]:
    """Where timm itself takes features from."""
    return tuple(info["module"] for info in model.feature_info)


def _fused(_model: Any) -> tuple[str, ...]:
    """HRNet's stages give lists; its head widens their maps, from fine to coarse, and adds them."""
    return ("layer1", *(f"incre_modules.{branch}" for branch in range(3)), "final_layer")


def _whole_blocks(model: Any) -> tuple[str, ...]:
    """Xception's features are taken within blocks; these are the blocks after their sums."""
    return tuple(stage.split(".stack.")[0] for stage in _stages(model))


def _quarters(model: Any) -> tuple[str, ...]:
    return quarters(_stages(model))


def _attended(model: Any) -> tuple[str, ...]:
    """The blocks that end a quarter of the depth, the last by what its attention reads.

    Behind the last attention the class token alone is read: no logit depends on the patches there.
    """
    *first, last = _quarters(model)
    normed = f"{last}.norm1"  # blocks of parallel branches norm elsewhere
    return (*first, normed if normed in dict(model.named_modules()) else _stages(model)[-2])


CONVOLUTIONAL = Family(_halved_less, _stages, "channels_first")
TRANSFORMER = Family(_transformer, _attended, "tokens")
#: timm's modules; tests/models/test_timm_model.py tries each with one of its models.
FAMILIES = {
    "byobnet": CONVOLUTIONAL,  # RepVGG, GENet, MobileOne
    "convnext": CONVOLUTIONAL,
    "cspnet": CONVOLUTIONAL,  # DarkNet
    "densenet": CONVOLUTIONAL,
    "dla": CONVOLUTIONAL,
    "edgenext": CONVOLUTIONAL,
    "efficientnet": CONVOLUTIONAL,  # MobileNetV2, MNASNet, MixNet
    "fasternet": CONVOLUTIONAL,
    "ghostnet": CONVOLUTIONAL,
    "hgnet": CONVOLUTIONAL,
    "inception_next": CONVOLUTIONAL,
    "metaformer": CONVOLUTIONAL,  # PoolFormer, ConvFormer, CAFormer
    "mobilenetv3": CONVOLUTIONAL,  # LCNet
    "pvt_v2": CONVOLUTIONAL,
    "regnet": CONVOLUTIONAL,
    "res2net": CONVOLUTIONAL,
    "resnest": CONVOLUTIONAL,
    "resnet": CONVOLUTIONAL,  # ResNeXt, Wide ResNet, SE-ResNet
    "resnetv2": CONVOLUTIONAL,
    "rexnet": CONVOLUTIONAL,
    "sknet": CONVOLUTIONAL,
    "starnet": CONVOLUTIONAL,
    "vovnet": CONVOLUTIONAL,
    "hrnet": Family(_halved_less, _fused, "channels_first"),
    "mambaout": Family(_halved_less, _stages, "channels_last"),
    "xception_aligned": Family(_halved_less, _whole_blocks, "channels_first"),
    "vgg": Family(_vgg, _stages, "channels_first"),
    "deit": TRANSFORMER,
    "eva": TRANSFORMER,
    "vision_transformer": TRANSFORMER,
    "mlp_mixer": Family(_mixer, _quarters, "tokens"),  # ResMLP, gMLP
    "swin_transformer": Family(_swin, _stages, "channels_last"),
    "swin_transformer_v2": Family(_swin, _stages, "channels_last"),
}
