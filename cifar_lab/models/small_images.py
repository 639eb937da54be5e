"""Adapt networks designed for 224×224 pixels to images of about 32×32.

Such a network halves its map five times, which reduces a 32×32 image to a single cell. Two
halvings are removed, so that 32×32 ends at 4×4, as 128×128 did: strided convolutions get stride 1,
pools become identities, and a larger kernel on the image itself becomes 3×3. Networks that cut the
image into patches get smaller patches instead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from cifar_lab.network import MapLayout

#: Reductions (image side / map side) at which the first two and the last two of five halvings
#: happen.
FIRST_HALVINGS = (1, 2)
LAST_HALVINGS = (8, 16)
#: Side of the probe image used to find where a network halves its map.
PROBE_SIDE = 64
#: Patches along the shorter side of an image.
PATCHES = 8
#: Side of Swin's attention windows: it divides every map of a 32×32 image.
WINDOW_SIDE = 4


def take_out_halvings(model: nn.Module, reductions: Collection[int]) -> None:
    """Remove every layer that downsamples a map at one of the given reductions.

    Args:
        model: accepts float ``(1, 3, 64, 64)``; modified in place.
        reductions: image side / map side, powers of two.
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
    """Patch side in pixels that divides an image evenly into about eight by eight patches."""
    shared = math.gcd(*image_size)
    sides = [side for side in range(1, shared + 1) if shared % side == 0]
    return min(sides, key=lambda side: abs(math.log(min(image_size) / side / PATCHES)))


def patch_projection(channels: int, side: int) -> nn.Conv2d:
    """The convolution that embeds each patch, initialised to preserve the variance."""
    projection = nn.Conv2d(3, channels, side, side)
    nn.init.trunc_normal_(projection.weight, std=(3 * side**2) ** -0.5)
    nn.init.zeros_(projection.bias)  # type: ignore[arg-type]
    return projection


def quarters(blocks: Sequence[str]) -> tuple[str, ...]:
    """The last block of each quarter of the depth."""
    return tuple(blocks[len(blocks) * quarter // 4 - 1] for quarter in (1, 2, 3, 4))


def attended(blocks: Sequence[str], norm: str) -> tuple[str, ...]:
    """The last block of each quarter of the depth; for the final one, its attention's input.

    After the last attention only the class token is read, so no logit depends on the patches there.

    Args:
        blocks: names of all blocks, shallow to deep.
        norm: name of the module in a block whose output is the input of attention.
    """
    *first, last = quarters(blocks)
    return (*first, f"{last}.{norm}")


def last_of_each_size(
    model: nn.Module, trunk: str, image_size: tuple[int, int], map_layout: MapLayout
) -> tuple[str, ...]:
    """For each map size above 1×1, the last of a container's modules with that size.

    Args:
        model: accepts float ``(1, 3, height, width)``.
        trunk: name of the container; empty for the model itself.
        image_size: height and width in pixels.
        map_layout: layout of the outputs of the container's modules.
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
    """Run a model on a blank image, in eval mode so that nothing changes, then remove the hooks."""
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
    """The layers that determine a map's size, each with the reduction of its input."""
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
    """Whether the module reads the image, downsamples a map, or pads it for a pool."""
    pads = isinstance(module, nn.ConstantPad2d)
    return pads or _stride(module) > 1 or _reads_the_image(module)


def _stride(module: nn.Module) -> int:
    stride = getattr(module, "stride", 1)
    return max(stride) if isinstance(stride, (tuple, list)) else stride


def _reads_the_image(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.in_channels == 3


def _shrink_kernel(conv: nn.Conv2d) -> None:
    """Crop a larger kernel to 3×3, scaled so that the output variance is preserved."""
    side = conv.kernel_size[0]
    first = (side - 3) // 2
    kernel = conv.weight.detach()[..., first : first + 3, first : first + 3] * (side / 3)
    conv.weight = nn.Parameter(kernel.contiguous())
    conv.kernel_size, conv.padding = (3, 3), (1, 1)
