"""Models of other libraries by name, without pretrained weights, made to fit small images.

A library's models fall into families by the module they stand in; a family knows how its models
are built so that they fit, and which of their layers are worth explaining.
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
#: Makes a model by a library's arguments, without pretrained weights.
Create = Callable[..., Any]
#: Makes one that fits, from the arguments that were asked for.
Build = Callable[[Create, Size, dict[str, Any]], Any]


@dataclass(frozen=True)
class Library:
    """What draws models by name.

    Attributes:
        name: as messages call it.
        listing: where its ``list_models`` stands.
        names: of all its models.
        entry_point: gives the function that makes a model, by the model's name.
        create: makes a model from its name and arguments, without pretrained weights.
    """

    name: str
    listing: str
    names: Sequence[str]
    entry_point: Callable[[str], Callable[..., Any]]
    create: Create


def no_prefix(_model: Any) -> int:
    """Of a model without tokens, or with none before those of the grid."""
    return 0


@dataclass(frozen=True)
class Family:
    """How the models that stand in one module of a library are made to fit.

    Attributes:
        build: makes a model for images of a size.
        layers: names what is worth explaining in a model for images of a size.
        map_layout: of what these layers put out.
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
    """A library's model for small images.

    Args:
        library: draws it.
        families: that have a version for small images, by the last part of their module's name.
        name: as the library lists it.
        image_size: height and width in pixels.
        arguments: that the library is to draw it with.

    Returns:
        The library's own module, which maps float ``(batch, 3, height, width)`` to logits, float
        ``(batch, num_classes)``, and declares all that :mod:`cifar_lab.network` knows of maps.

    Raises:
        ValueError: the library has no such model, or it has no version for small images here, or
            it does not take an argument.
    """
    family = _family(library, families, name)
    try:
        model: nn.Module = family.build(partial(library.create, name), image_size, arguments)
        look(model, image_size)
    except TypeError as error:
        raise ValueError(f"name={name}: {error}; set what it does not take to null") from error
    except (AssertionError, RuntimeError) as error:
        raise unfit(name, image_size, error) from error
    layers = family.layers(model, image_size)
    declare(model, Declared(layers, family.map_layout, family.prefix_tokens(model)))
    return model


def halved_less(create: Create, _size: Size, arguments: dict[str, Any]) -> Any:
    """A model without the first two of its five halvings."""
    model = create(**arguments)
    take_out_halvings(model, FIRST_HALVINGS)
    return model


def declare(model: nn.Module, declared: Declared) -> None:
    """Writes on a model what explaining it needs, and makes it fit for hooks.

    Args:
        model: gets the attributes of ``declared``.
        declared: what it is to say of itself.
    """
    vars(model).update(vars(declared))
    for module in model.modules():
        # In place, an activation would overwrite the output that a hook before it has kept, and
        # Captum's guided methods refuse it.
        if getattr(module, "inplace", False) is True:
            vars(module)["inplace"] = False


def unknown(name: str, library: Library) -> ValueError:
    """The refusal of a name that a library does not have."""
    return ValueError(
        f"name={name}: {library.listing} has no such model"
        f"{did_you_mean(name, library.names, most=3, quote='')}; "
        f"{library.listing}.list_models() names them all"
    )


def unadapted(name: str, family: str, families: Iterable[str], library: Library) -> ValueError:
    """The refusal of a model that nobody has made to fit."""
    return ValueError(
        f"name={name}: {library.name}'s {family} models are drawn for large images, and have no "
        f"version for small ones here; take one of its families {', '.join(sorted(families))}"
    )


def unfit(name: str, image_size: Size, error: Exception) -> ValueError:
    """The refusal of a model that its family's adaptation does not make fit."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return ValueError(
        f"name={name} cannot be made to fit images of {image_size[0]}×{image_size[1]} pixels "
        f"({reason}); take another model of its family, or set dataset.resize"
    )


def _family(library: Library, families: Mapping[str, Family], name: str) -> Family:
    if name not in library.names:
        raise unknown(name, library)
    module = library.entry_point(name).__module__.rsplit(".", 1)[-1]
    if module not in families:
        raise unadapted(name, module, families, library)
    return families[module]
