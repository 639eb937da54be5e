"""Makes networks that were drawn for 224×224 pixels fit images of about 32×32.

Such a network halves the map five times, which leaves one cell of 32×32 pixels. Two halvings are
taken out, so that 32×32 ends on 4×4 as 128×128 did: strided convolutions step by one, pools hand
on what they get, and a larger kernel on the image itself becomes 3×3. Networks that cut the image
into patches get smaller patches instead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from cifar_lab.network import MapLayout

#: Reductions, side of the image over side of the map, at which the first and the last two of five
#: halvings are met.
FIRST_HALVINGS = (1, 2)
LAST_HALVINGS = (8, 16)
#: Side of the image that shows where a network halves its map.
PROBE_SIDE = 64
#: Patches along the shorter side of an image.
PATCHES = 8
#: Side of the windows that Swin attends within: it divides every map of 32×32 images.
WINDOW_SIDE = 4


def take_out_halvings(model: nn.Module, reductions: Collection[int]) -> None:
    """Takes out whatever shrinks a map that stands at one of some reductions.

    Args:
        model: takes float ``(1, 3, 64, 64)``; is changed in place.
        reductions: side of the image over side of the map, powers of two.
    """
    for name, reduction in _reductions(model).items():
        module = model.get_submodule(name)
        if reduction not in reductions:
            continue
        if isinstance(module, nn.Conv2d):
            module.stride = (1, 1)
            if _reads_the_image(module) and module.kernel_size[0] > 3:
                _shrink_kernel(module)
        else:
            model.set_submodule(name, nn.Identity())


def patch_side(image_size: tuple[int, int]) -> int:
    """Side in pixels of the patches that cut an image into about eight by eight, without rest."""
    shared = math.gcd(*image_size)
    sides = [side for side in range(1, shared + 1) if shared % side == 0]
    return min(sides, key=lambda side: abs(math.log(min(image_size) / side / PATCHES)))


def patch_projection(channels: int, side: int) -> nn.Conv2d:
    """The convolution that makes a token of each patch, drawn to keep the variance."""
    projection = nn.Conv2d(3, channels, side, side)
    nn.init.trunc_normal_(projection.weight, std=(3 * side**2) ** -0.5)
    nn.init.zeros_(projection.bias)  # type: ignore[arg-type]
    return projection


def quarters(blocks: Sequence[str]) -> tuple[str, ...]:
    """The blocks that end a quarter of the depth."""
    return tuple(blocks[len(blocks) * quarter // 4 - 1] for quarter in (1, 2, 3, 4))


def attended(blocks: Sequence[str], norm: str) -> tuple[str, ...]:
    """The blocks that end a quarter of the depth, the last by what its attention reads.

    Behind the last attention the class token alone is read: no logit depends on the patches there.

    Args:
        blocks: names of all, shallow to deep.
        norm: name of the module in a block whose output attention reads.
    """
    *first, last = quarters(blocks)
    return (*first, f"{last}.{norm}")


def last_of_each_size(
    model: nn.Module, trunk: str, image_size: tuple[int, int], map_layout: MapLayout
) -> tuple[str, ...]:
    """The last of a container's modules whose map has a size, for each size of several cells.

    Args:
        model: takes float ``(1, 3, height, width)``.
        trunk: name of the container; empty for the model itself.
        image_size: height and width in pixels.
        map_layout: of what the container's modules put out.
    """
    last: dict[tuple[int, ...], str] = {}

    def remember(name: str, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            size = output.shape[1:3] if map_layout == "channels_last" else output.shape[2:]
            if min(size) > 1:
                last[tuple(size)] = name

    prefix = trunk and f"{trunk}."
    children = {prefix + n: m for n, m in model.get_submodule(trunk).named_children()}
    handles = [
        module.register_forward_hook(lambda _m, _i, output, name=name: remember(name, output))
        for name, module in children.items()
    ]
    look(model, image_size, handles)
    return tuple(last.values())


def look(
    model: nn.Module, image_size: tuple[int, int], handles: Iterable[RemovableHandle] = ()
) -> None:
    """Shows a model an image, in eval mode so that nothing changes, and takes hooks off again."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            model(torch.zeros(1, 3, *image_size))
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()


def _reductions(model: nn.Module) -> dict[str, int]:
    """The layers that make a map's size, each with the reduction at which it stands."""
    found: dict[str, int] = {}

    def remember(name: str, image: Tensor) -> None:
        found[name] = 2 ** round(math.log2(PROBE_SIDE / image.shape[-1]))

    handles = [
        module.register_forward_pre_hook(lambda _m, inputs, name=name: remember(name, inputs[0]))
        for name, module in model.named_modules()
        if not list(module.children()) and _makes_the_size(module)
    ]
    look(model, (PROBE_SIDE, PROBE_SIDE), handles)
    return found


def _makes_the_size(module: nn.Module) -> bool:
    """Whether it reads the image, shrinks a map, or pads it for a pool."""
    pads = isinstance(module, nn.ConstantPad2d)
    return pads or _stride(module) > 1 or _reads_the_image(module)


def _stride(module: nn.Module) -> int:
    stride = getattr(module, "stride", 1)
    return max(stride) if isinstance(stride, (tuple, list)) else stride


def _reads_the_image(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.in_channels == 3


def _shrink_kernel(conv: nn.Conv2d) -> None:
    """Keeps 3×3 of a larger kernel, scaled so that outputs keep their variance."""
    side = conv.kernel_size[0]
    first = (side - 3) // 2
    kernel = conv.weight.detach()[..., first : first + 3, first : first + 3] * (side / 3)
    conv.weight = nn.Parameter(kernel.contiguous())
    conv.kernel_size, conv.padding = (3, 3), (1, 1)
