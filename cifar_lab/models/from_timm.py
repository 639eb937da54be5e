"""timm's models by name, without pretrained weights, adapted to images of about 32×32.

https://github.com/huggingface/pytorch-image-models
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from cifar_lab.bounds import Fraction
from cifar_lab.models.families import Create, Family, Library, Size, fitted, halved_less
from cifar_lab.models.small_images import (
    LAST_HALVINGS,
    WINDOW_SIDE,
    attended,
    patch_projection,
    patch_side,
    quarters,
    take_out_halvings,
)


def timm_model(
    num_classes: int,
    image_size: tuple[int, int],
    name: str,
    drop_rate: Fraction | None,
    drop_path_rate: Fraction | None,
) -> nn.Module:
    """Build one of timm's models for small images.

    Args:
        num_classes: number of classes.
        image_size: height and width in pixels.
        name: timm's name for it, without the tag of pretrained weights.
        drop_rate: dropout rate before the classifier; None for the model's default.
        drop_path_rate: rate of stochastic depth; None for the model's default.

    Returns:
        timm's own module, see :func:`~cifar_lab.models.families.fitted`.

    Raises:
        ValueError: timm has no such model, the model has no version for small images, or it does
            not accept an argument.
    """
    rates = {"drop_rate": drop_rate, "drop_path_rate": drop_path_rate}
    given = {key: rate for key, rate in rates.items() if rate is not None}
    return fitted(_timm(), FAMILIES, name, image_size, {"num_classes": num_classes, **given})


def _timm() -> Library:
    import timm  # importing it takes seconds

    create = partial(timm.create_model, pretrained=False)
    return Library("timm", "timm", timm.list_models(), timm.models.model_entrypoint, create)


def _vgg(create: Create, _size: Size, arguments: dict[str, Any]) -> Any:
    """The CIFAR variant: drop the last two pools, which costs least, and also fc6 and fc7."""
    from timm.layers import ClassifierHead  # type: ignore[attr-defined]

    # A narrow fc6, because initialising a hundred million weights only to drop them takes seconds.
    model = create(mlp_ratio=1 / 1024, **arguments)
    take_out_halvings(model, LAST_HALVINGS)
    model.pre_logits = nn.Identity()
    model.head = ClassifierHead(model.num_features, model.num_classes, drop_rate=model.drop_rate)
    nn.init.normal_(model.head.fc.weight, std=0.01)
    nn.init.zeros_(model.head.fc.bias)
    return model


def _transformer(create: Create, size: Size, arguments: dict[str, Any]) -> Any:
    return create(img_size=size, patch_size=patch_side(size), **arguments)


def _swin(create: Create, size: Size, arguments: dict[str, Any]) -> Any:
    """Patches are merged three times, as convolutional networks halve their maps."""
    side = max(1, patch_side(size) // 4)
    return create(img_size=size, patch_size=side, window_size=WINDOW_SIDE, **arguments)


def _mixer(create: Create, size: Size, arguments: dict[str, Any]) -> Any:
    """Build for as many of its fixed-size large patches as there will be small ones."""
    with torch.device("meta"):  # allocates nothing
        drawn_for = create().stem.patch_size
    side = patch_side(size)
    drawn_size = (size[0] // side * drawn_for[0], size[1] // side * drawn_for[1])
    model = create(img_size=drawn_size, **arguments)
    embed = model.stem
    embed.img_size, embed.patch_size = size, (side, side)
    embed.proj = patch_projection(embed.proj.out_channels, side)
    return model


def _stages(model: Any, _size: Size) -> tuple[str, ...]:
    """The modules from which timm itself extracts features."""
    return tuple(info["module"] for info in model.feature_info)


def _fused(_model: Any, _size: Size) -> tuple[str, ...]:
    """HRNet's stages return lists; its head widens their maps, fine to coarse, and adds them."""
    return ("layer1", *(f"incre_modules.{branch}" for branch in range(3)), "final_layer")


def _whole_blocks(model: Any, size: Size) -> tuple[str, ...]:
    """Xception's whole blocks, sums included; timm extracts features within blocks."""
    return tuple(stage.split(".stack.")[0] for stage in _stages(model, size))


def _quarters(model: Any, size: Size) -> tuple[str, ...]:
    return quarters(_stages(model, size))


def _attended(model: Any, size: Size) -> tuple[str, ...]:
    stages = _stages(model, size)
    *first, last = attended(stages, "norm1")
    # Blocks with parallel branches apply their norms elsewhere.
    return (*first, last if last in dict(model.named_modules()) else stages[-2])


def _prefix_tokens(model: Any) -> int:
    return model.num_prefix_tokens


CONVOLUTIONAL = Family(halved_less, _stages, "channels_first")
TRANSFORMER = Family(_transformer, _attended, "tokens", _prefix_tokens)
#: timm's modules; tests/models/test_from_timm.py tests each with one of its models.
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
    "hrnet": Family(halved_less, _fused, "channels_first"),
    "mambaout": Family(halved_less, _stages, "channels_last"),
    "xception_aligned": Family(halved_less, _whole_blocks, "channels_first"),
    "vgg": Family(_vgg, _stages, "channels_first"),
    "deit": TRANSFORMER,
    "eva": TRANSFORMER,
    "vision_transformer": TRANSFORMER,
    "mlp_mixer": Family(_mixer, _quarters, "tokens"),  # ResMLP, gMLP
    "swin_transformer": Family(_swin, _stages, "channels_last"),
    "swin_transformer_v2": Family(_swin, _stages, "channels_last"),
}
