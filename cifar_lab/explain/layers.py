"""Choosing the layers of a model to explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn

from cifar_lab.explain.maps import as_map, left_as_it_was
from cifar_lab.network import declared_by
from cifar_lab.refusal import Refusal

#: Side of the smallest map worth looking at on a small image.
SMALLEST_SIDE = 5
#: Most layers that a message names.
MOST_NAMED = 8
#: Why nothing can be explained.
NO_MAP = "none of its modules outputs a feature map"


def choose_layers(
    model: nn.Module, image_size: tuple[int, int], names: str | Sequence[str] | None
) -> tuple[str, ...]:
    """Choose the layers whose maps are shown; none if no layer of the model has a map.

    Args:
        model: accepts float ``(1, 3, height, width)``; may declare layers, see
            :mod:`cifar_lab.network`.
        image_size: height and width in pixels.
        names: the module name of one or several layers; None chooses, among the declared layers
            or, if there are none, all modules, the deepest one with a map of at least 5×5, or
            the one with the largest map if there is none.

    Raises:
        Refusal: named layers do not exist, or their output is not a map (all are reported at
            once), or the model does not accept images of that size.
    """
    if names is None:
        return _own_layer(model, image_size)
    wanted = list(dict.fromkeys([names] if isinstance(names, str) else names))
    problems = [
        f"GradCAM needs a map: {unfit.layer} outputs neither (batch, channels, h, w) nor tokens on "
        "a square grid; choose another layer with report.gradcam_layer=…"
        if unfit.exists
        else f"report.gradcam_layer={unfit.layer}: {unfit.reason}"
        for unfit in unfit_layers(model, image_size, wanted)
    ]
    if problems:
        raise Refusal(problems)
    return tuple(wanted)


class Unfit(NamedTuple):
    """A layer that cannot be explained.

    Attributes:
        layer: its name, as given.
        exists: whether the model has such a module.
        reason: why, phrased to follow the name.
    """

    layer: str
    exists: bool
    reason: str


def unfit_layers(
    model: nn.Module, image_size: tuple[int, int], names: Sequence[str]
) -> list[Unfit]:
    """Find the layers that do not exist, then those whose output is not a map.

    Raises:
        Refusal: the model does not accept images of that size.
    """
    modules = dict(model.named_modules())
    worth = _worth_explaining(model, image_size)
    missing = f"{type(model).__name__} has no such module; {worth}"
    sizes = map_sizes(model, [name for name in names if name in modules], image_size)
    without_map = [name for name, size in sizes.items() if size is None]
    return [
        *(Unfit(name, False, missing) for name in names if name not in modules),
        *(Unfit(name, True, f"its output is not a map; {worth}") for name in without_map),
    ]


def _own_layer(model: nn.Module, image_size: tuple[int, int]) -> tuple[str, ...]:
    sizes = _sizes_worth_explaining(model, image_size)
    large = [layer for layer, size in sizes.items() if min(size) >= SMALLEST_SIDE]
    return tuple(large[-1:] or sorted(sizes, key=lambda layer: sizes[layer])[-1:])


def _worth_explaining(model: nn.Module, image_size: tuple[int, int]) -> str:
    """Return which layers can be explained, as a clause of a message."""
    declared = declared_by(model).explainable_layers
    if declared:
        return f"it declares {', '.join(declared)} as worth explaining"
    found = list(_sizes_worth_explaining(model, image_size))[-MOST_NAMED:]
    return f"its deepest modules with a map are {', '.join(found)}" if found else NO_MAP


def _sizes_worth_explaining(
    model: nn.Module, image_size: tuple[int, int]
) -> dict[str, tuple[int, int]]:
    """Height and width of the maps of the declared layers, or of all modules; shallow to deep."""
    declared = list(declared_by(model).explainable_layers)
    if declared:
        found = map_sizes(model, declared, image_size)
        return {layer: size for layer, size in found.items() if size is not None}
    seen: list[tuple[str, tuple[int, int]]] = []
    names = [name for name, _ in model.named_modules() if name]
    _observe(model, names, image_size, lambda name, size: seen.append((name, size)))
    calls = Counter(name for name, _ in seen)  # of a module that is called again, which map?
    return {n: size for n, size in seen if calls[n] == 1 and _shows_image(size, image_size)}


def _shows_image(size: tuple[int, int], image_size: tuple[int, int]) -> bool:
    """Whether a map has the shape of the image, unlike weights of attention, and several cells."""
    (height, width), (full_height, full_width) = size, image_size
    same_shape = abs(height * full_width - width * full_height) <= max(image_size)
    return same_shape and min(size) > 1 and height <= full_height


def map_sizes(
    model: nn.Module, names: list[str], image_size: tuple[int, int]
) -> dict[str, tuple[int, int] | None]:
    """Height and width of each layer's output; None if it is not a map.

    Raises:
        Refusal: the model does not accept images of that size.
    """
    sizes: dict[str, tuple[int, int] | None] = dict.fromkeys(names)
    _observe(model, names, image_size, sizes.__setitem__)
    return sizes


def _observe(
    model: nn.Module,
    names: Sequence[str],
    image_size: tuple[int, int],
    observer: Callable[[str, tuple[int, int]], None],
) -> None:
    """Pass an image, and call ``observer`` with name and map size of each layer that gives a map.

    Raises:
        Refusal: the model does not accept images of that size.
    """

    def remember(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            seen = as_map(output, model)
            if seen is not None:
                observer(name, (seen.shape[2], seen.shape[3]))

        return hook

    modules = dict(model.named_modules())
    handles = [modules[name].register_forward_hook(remember(name)) for name in names]
    try:
        with left_as_it_was(model), torch.no_grad():
            model(torch.zeros(1, 3, *image_size, device=next(model.parameters()).device))
    except RuntimeError as error:
        raise Refusal(
            f"{type(model).__name__} does not accept images of {image_size[0]}×{image_size[1]} "
            f"pixels ({str(error).splitlines()[0]}); choose another model, or set dataset.resize"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
