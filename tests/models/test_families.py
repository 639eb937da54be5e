"""Families of a library with small models of a few layers."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import nn

from cifar_lab.models.families import Family, Library, declare, fitted, halved_less, unadapted
from cifar_lab.network import Declared, Explainable, LaidOut, Prefixed, declared_by


class Wide(nn.Sequential):
    """A stem that halves twice, no tokens, and a head."""

    def __init__(self, num_classes: int, channels: int = 4) -> None:
        super().__init__(
            nn.Conv2d(3, channels, 3, stride=2, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, num_classes),
        )


def wide(**arguments: int) -> nn.Module:
    return Wide(**arguments)


def narrow(**arguments: int) -> nn.Module:
    return Wide(**arguments, channels=2)


wide.__module__, narrow.__module__ = "drawings.models.wide", "drawings.models.narrow"
ENTRY_POINTS = {"wide_1": wide, "wide_2": wide, "narrow_1": narrow}
LIBRARY = Library(
    "drawings",
    "drawings.models",
    list(ENTRY_POINTS),
    ENTRY_POINTS.__getitem__,
    lambda name, **arguments: ENTRY_POINTS[name](**arguments),
)


def layers(_model: nn.Module, size: tuple[int, int]) -> tuple[str, ...]:
    return ("0", "2") if size == (32, 32) else ("0",)


FAMILY = Family(halved_less, layers, "channels_last", lambda model: model[0].out_channels)


def test_a_model_is_built_by_the_family_of_its_module_and_declares_what_the_family_says():
    model = fitted(LIBRARY, {"wide": FAMILY}, "wide_2", (32, 32), {"num_classes": 5})
    assert isinstance(model, Wide)
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    assert model[0].stride == (1, 1)
    assert isinstance(model[1], nn.Identity)
    assert declared_by(model) == Declared(("0", "2"), "channels_last", 4)


def test_layers_depend_on_the_size_of_the_images_and_no_tokens_come_before_a_map():
    plain = Family(halved_less, layers, "channels_first")
    model = fitted(LIBRARY, {"wide": plain}, "wide_1", (8, 8), {"num_classes": 5})
    assert declared_by(model) == Declared(("0",), "channels_first", 0)


def test_nothing_but_the_library_draws():
    torch.manual_seed(0)
    model = fitted(LIBRARY, {"wide": FAMILY}, "wide_1", (32, 32), {"num_classes": 5})
    after = torch.get_rng_state()
    torch.manual_seed(0)
    drawn = wide(num_classes=5)
    assert torch.equal(after, torch.get_rng_state())
    weights = zip(model.parameters(), drawn.parameters(), strict=True)
    assert all(torch.equal(fitted_one, drawn_one) for fitted_one, drawn_one in weights)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="^" + re.escape(
        "name=wide_3: drawings.models has no such model; did you mean wide_2 or wide_1?; "
        "drawings.models.list_models() lists them all"
    ) + "$"):  # fmt: skip
        fitted(LIBRARY, {"wide": FAMILY}, "wide_3", (32, 32), {})
    with pytest.raises(ValueError, match=r"name=§: drawings.models has no such model; drawings"):
        fitted(LIBRARY, {"wide": FAMILY}, "§", (32, 32), {})


def test_a_family_without_adaptation_is_refused_with_those_that_have_one():
    with pytest.raises(ValueError, match="^" + re.escape(
        "name=narrow_1: drawings's narrow models are designed for large images and have no version "
        "for small ones here; use one of these families: wide"
    ) + "$"):  # fmt: skip
        fitted(LIBRARY, {"wide": FAMILY}, "narrow_1", (32, 32), {})
    assert str(unadapted("a", "a", ["vgg", "dla"], LIBRARY)).endswith("these families: dla, vgg")


def test_an_argument_that_the_model_does_not_take_is_refused():
    with pytest.raises(
        ValueError, match=r"^name=wide_1: .*'rate'; set arguments that it does not accept to null$"
    ) as refusal:
        fitted(LIBRARY, {"wide": FAMILY}, "wide_1", (32, 32), {"num_classes": 5, "rate": 0.1})
    assert isinstance(refusal.value.__cause__, TypeError)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AssertionError(), "AssertionError"),
        (AssertionError("it needs\n  square images"), "it needs square images"),
        (RuntimeError("size"), "size"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_with_the_reason(error, reason):
    def build(_create, _size, _arguments):
        raise error

    family = Family(build, layers, "channels_first")
    with pytest.raises(ValueError, match="^" + re.escape(
        f"name=wide_1 cannot be adapted to images of 48×32 pixels ({reason}); choose another "
        "model of its family, or set dataset.resize"
    ) + "$"):  # fmt: skip
        fitted(LIBRARY, {"wide": family}, "wide_1", (48, 32), {})


def test_a_model_is_shown_an_image_before_it_is_taken():
    def build(create, _size, arguments):
        return nn.Sequential(create(**arguments), nn.Linear(7, 2))

    family = Family(build, layers, "channels_first")
    with pytest.raises(ValueError, match="cannot be adapted to images of 32×32 pixels"):
        fitted(LIBRARY, {"wide": family}, "wide_1", (32, 32), {"num_classes": 5})


def test_declaring_writes_what_explaining_reads_and_copies_keep_it():
    model = nn.Sequential(nn.ReLU(inplace=True), nn.SiLU(inplace=True))
    declared = Declared(("0", "1"), "tokens", prefix_tokens=2)
    declare(model, declared)
    model = copy.deepcopy(model)
    assert all(isinstance(model, contract) for contract in (Explainable, LaidOut, Prefixed))
    assert declared_by(model) == declared
    assert model.explainable_layers == ("0", "1")
    assert (model.map_layout, model.prefix_tokens) == ("tokens", 2)


def test_declaring_takes_activations_out_of_place():
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Sequential(nn.SiLU(inplace=True)))
    declare(model, Declared())
    x = torch.randn(2, 3)
    before = x.clone()
    model(x)
    assert torch.equal(x, before)
