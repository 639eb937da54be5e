"""What networks declare about themselves, and the defaults if they declare nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.models import CustomResNet, ResNet18, ThreeBlockConvNet
from cifar_lab.network import (
    ComputedFromImages,
    Declared,
    Explainable,
    LaidOut,
    Prefixed,
    declared_by,
)

OURS = {
    "custom_resnet": lambda: CustomResNet(10, 4),
    "resnet18": lambda: ResNet18(10, 2, 1),
    "three_block": lambda: ThreeBlockConvNet(10, (4, 4, 4), "gelu", 0.6, None),
}
CONTRACTS = {"explainable_layers": Explainable, "map_layout": LaidOut, "prefix_tokens": Prefixed}


def test_a_network_that_says_nothing_has_no_layers_and_puts_channels_first():
    said = declared_by(nn.Linear(2, 2))
    assert (said.explainable_layers, said.map_layout, said.prefix_tokens) == (
        (), "channels_first", 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("explainable_layers", ("a", "b")), ("map_layout", "tokens"), ("prefix_tokens", 2)],
)
def test_each_thing_may_be_said_alone_by_the_class_or_by_one_network(name, value):
    class Said(nn.Module):
        pass

    alone, silent = Said(), nn.Module()
    setattr(alone, name, value)
    setattr(Said, name, value)
    for network in (alone, Said()):
        assert getattr(declared_by(network), name) == value
        assert [c for c, contract in CONTRACTS.items() if isinstance(network, contract)] == [name]
        others = {c: getattr(declared_by(network), c) for c in CONTRACTS if c != name}
        assert others == {c: getattr(Declared(), c) for c in others}
    assert not isinstance(silent, tuple(CONTRACTS.values()))


def test_a_network_may_say_everything_and_work_it_out():
    class Tokens(nn.Module):
        map_layout = "tokens"

        def __init__(self):
            super().__init__()
            self.blocks = nn.Sequential(nn.Identity(), nn.Identity())
            self.prefix_tokens = 1

        @property
        def explainable_layers(self):
            return tuple(f"blocks.{name}" for name, _ in self.blocks.named_children())

    assert declared_by(Tokens()) == Declared(("blocks.0", "blocks.1"), "tokens", 1)


@pytest.mark.parametrize("name", OURS)
def test_ours_name_maps_that_shrink_with_depth(name):
    network, sides = OURS[name](), []
    assert isinstance(network, Explainable)
    for layer in declared_by(network).explainable_layers:
        network.get_submodule(layer).register_forward_hook(
            lambda _module, _inputs, output: sides.append(tuple(output.shape[2:]))
        )
    network.eval()(torch.zeros(1, 3, 32, 32))
    assert len(sides) == len(network.explainable_layers) >= 3
    assert sides == sorted(sides, reverse=True)
    assert all(height == width for height, width in sides)


def test_only_the_whitened_one_is_computed_from_images():
    computed = [name for name, make in OURS.items() if isinstance(make(), ComputedFromImages)]
    assert computed == ["three_block"]
    network = OURS["three_block"]()
    before = network.whitening.weight.clone()
    network.initialise(torch.randn(64, 3, 8, 8))
    assert not torch.equal(network.whitening.weight, before)
