"""The three-block convnet: shapes, parameters and initial weights, compared with manual counts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from cifar_lab.models.three_block import ThreeBlockConvNet


@pytest.mark.parametrize("widths", [(32, 96, 96), (64, 256, 256)])
def test_parameters_are_as_many_as_the_drawing_has(widths):
    trained = sum(p.numel() for p in make(widths).parameters() if p.requires_grad)
    first, second, third = widths
    convs = 9 * (24 * first + first**2 + first * second + second**2 + second * third + third**2)
    assert trained == 24 + convs + 2 * sum(widths) + 10 * third


def test_each_block_halves_the_map_as_its_name_says():
    model = make((8, 16, 12))
    shapes = {}
    for name in ("whitening", *model.explainable_layers):
        module = model.get_submodule(name)
        module.register_forward_hook(
            lambda _m, _i, output, name=name: shapes.update({name: tuple(output.shape)})
        )
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert shapes == {
        "whitening": (2, 24, 31, 31),
        "block1": (2, 8, 15, 15),
        "block2": (2, 16, 7, 7),
        "block3": (2, 12, 3, 3),
    }


def test_convolutions_begin_by_handing_their_inputs_through():
    conv = make((8, 16, 12)).block2.layers[0]
    x = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(conv(x)[:, :8], x)


def test_logits_are_the_pooled_features_times_the_head_times_the_scale():
    model = make((8, 16, 12)).eval()
    x = torch.randn(2, 3, 32, 32)
    features = model.block3(model.block2(model.block1(F.gelu(model.whitening(x)))))
    expected = features.amax((2, 3)) @ model.head.weight.T / 12
    torch.testing.assert_close(model(x), expected)
    assert make((8, 16, 12), logit_scale=0.5).logit_scale == 0.5


def test_norms_learn_a_bias_and_no_scale():
    model = make((8, 16, 12))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert "block1.layers.2.bias" in trained
    assert not any(name.endswith("layers.2.weight") for name in trained)


def test_it_computes_its_first_layer_from_images():
    model, images = make((8, 16, 12)), torch.randn(16, 3, 32, 32)
    before = model.whitening.weight.clone()
    model.initialise(images)
    assert not torch.equal(model.whitening.weight, before)


def make(widths, logit_scale=None) -> ThreeBlockConvNet:
    torch.manual_seed(0)
    return ThreeBlockConvNet(10, widths, "gelu", 0.4, logit_scale)
