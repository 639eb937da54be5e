"""Library models by name, without pretrained weights, adapted to small images.

A library's models are grouped into families by the module that defines them; a family knows how to
build its models for small images, and which of their layers are worth explaining.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from cifar_lab.models.small_images import FIRST_HALVINGS, look, take_out_halvings
from cifar_lab.network import Declared, MapLayout
from cifar_lab.refusal import did_you_mean

#: Height and width of images in pixels.
Size = tuple[int, int]
#: Creates a model from the library's arguments, without pretrained weights.
Create = Callable[..., Any]
#: Builds a model for images of a given size, from the requested arguments.
Build = Callable[[Create, Size, dict[str, Any]], Any]


@dataclass(frozen=True)
class Library:
    """A library that creates models by name.

    Attributes:
        name: the library's name in messages.
        listing: the module that has its ``list_models``.
        names: names of all its models.
        entry_point: returns the function that creates the model of a given name.
        create: creates a model from its name and arguments, without pretrained weights.
    """

    name: str
    listing: str
    names: Sequence[str]
    entry_point: Callable[[str], Callable[..., Any]]
    create: Create


def no_prefix(_model: Any) -> int:
    """Zero, for a model without tokens or with none before those of the grid."""
    return 0


@dataclass(frozen=True)
class Family:
    """How the models from one module of a library are adapted to small images.

    Attributes:
        build: builds a model for images of a given size.
        layers: returns the layers worth explaining in a model for images of a given size.
        map_layout: layout of those layers' outputs.
        prefix_tokens: counts a model's tokens before those of the grid.
    """

    build: Build
    layers: Callable[[Any, Size], tuple[str, ...]]
    map_layout: MapLayout
    prefix_tokens: Callable[[Any], int] = no_prefix


def fitted(
    library: Library,
    families: Mapping[str, Family],
    name: str,
    image_size: Size,
    arguments: dict[str, Any],
) -> nn.Module:
    """Build a library's model for small images.

    Args:
        library: the library that provides it.
        families: families that can be adapted, by the last part of their module's name.
        name: the model's name in the library.
        image_size: height and width in pixels.
        arguments: arguments for the library's constructor.

    Returns:
        The library's own module, which maps float ``(batch, 3, height, width)`` to logits, float
        ``(batch, num_classes)``, with the declarations of :mod:`cifar_lab.network`.

    Raises:
        ValueError: the library has no such model, the model has no version for small images, or
            it does not accept an argument.
    """
    family = _family(library, families, name)
    try:
        model: nn.Module = family.build(partial(library.create, name), image_size, arguments)
        look(model, image_size)
    except TypeError as error:
        raise ValueError(
            f"name={name}: {error}; set arguments that it does not accept to null"
        ) from error
    except (AssertionError, RuntimeError) as error:
        raise unfit(name, image_size, error) from error
    layers = family.layers(model, image_size)
    declare(model, Declared(layers, family.map_layout, family.prefix_tokens(model)))
    return model


def halved_less(create: Create, _size: Size, arguments: dict[str, Any]) -> Any:
    """Create a model without the first two of its five downsampling steps."""
    model = create(**arguments)
    take_out_halvings(model, FIRST_HALVINGS)
    return model


def declare(model: nn.Module, declared: Declared) -> None:
    """Set the attributes that explaining a model needs, and make it safe for hooks.

    Args:
        model: receives the attributes of ``declared``.
        declared: what the model is to declare about itself.
    """
    vars(model).update(vars(declared))
    for module in model.modules():
        # An in-place activation would overwrite the output that an earlier hook has kept, and
        # Captum's guided methods refuse it.
        if getattr(module, "inplace", False) is True:
            vars(module)["inplace"] = False


def unknown(name: str, library: Library) -> ValueError:
    """The error for a name that the library does not have."""
    return ValueError(
        f"name={name}: {library.listing} has no such model"
        f"{did_you_mean(name, library.names, most=3, quote='')}; "
        f"{library.listing}.list_models() lists them all"
    )


def unadapted(name: str, family: str, families: Iterable[str], library: Library) -> ValueError:
    """The error for a model of a family that has not been adapted."""
    return ValueError(
        f"name={name}: {library.name}'s {family} models are designed for large images and have no "
        f"version for small ones here; use one of these families: {', '.join(sorted(families))}"
    )


def unfit(name: str, image_size: Size, error: Exception) -> ValueError:
    """The error for a model that its family's adaptation cannot make fit."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return ValueError(
        f"name={name} cannot be adapted to images of {image_size[0]}×{image_size[1]} pixels "
        f"({reason}); choose another model of its family, or set dataset.resize"
    )


def _family(library: Library, families: Mapping[str, Family], name: str) -> Family:
    if name not in library.names:
        raise unknown(name, library)
    module = library.entry_point(name).__module__.rsplit(".", 1)[-1]
    if module not in families:
        raise unadapted(name, module, families, library)
    return families[module]
