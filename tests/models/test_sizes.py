"""Every family of models at the sizes of common data sets of small images, from 28 to 96 pixels."""

from __future__ import annotations

import pytest
import torch

from cifar_lab.explain.layers import choose_layers
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.from_timm import timm_model
from cifar_lab.models.from_torchvision import torchvision_model
from cifar_lab.models.resnet import ResNet18
from cifar_lab.models.three_block import ThreeBlockConvNet
from tests.models import test_from_timm, test_from_torchvision

#: Sides of FashionMNIST, FER2013, Tiny ImageNet and STL10.
SIDES = [28, 48, 64, 96]
OURS = {
    "custom_resnet": lambda: CustomResNet(10, width=4),
    "resnet18": lambda: ResNet18(10, last_stride=2, pooled_size=1),
    "resnet18_8x8": lambda: ResNet18(10, last_stride=1, pooled_size=2),
    "three_block": lambda: ThreeBlockConvNet(10, (8, 8, 8), "gelu", 0.4, None),
}
#: Models that add maps of different depths, which only match where 16 divides the side.
MULTIPLES_OF_16 = ("dla46_c", "hrnet_w18_small")


def assert_it_trains_and_has_a_map(model, side: int) -> None:
    model.train()
    logits = model(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 10)
    logits.square().sum().backward()
    gradients = [p.grad for p in model.parameters() if p.requires_grad and p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert choose_layers(model, (side, side), None)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", OURS)
def test_our_models_take_them(name, side):
    assert_it_trains_and_has_a_map(OURS[name](), side)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES[::3])
@pytest.mark.parametrize("name", test_from_timm.TRIED)
def test_each_family_of_timm_takes_them(name, side):
    if side % 16 and name in MULTIPLES_OF_16:
        with pytest.raises(ValueError, match=r"images of 28×28 pixels .*; choose another model"):
            timm_model(10, (side, side), name, None, None)
    else:
        assert_it_trains_and_has_a_map(timm_model(10, (side, side), name, None, None), side)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES[::3])
@pytest.mark.parametrize("name", test_from_torchvision.TRIED)
def test_each_family_of_torchvision_takes_them(name, side):
    assert_it_trains_and_has_a_map(torchvision_model(10, (side, side), name), side)


@pytest.mark.parametrize(("side", "patches"), [(28, 7), (32, 8), (48, 8), (64, 8), (96, 8)])
def test_transformers_see_about_eight_by_eight_patches(side, patches):
    with torch.device("meta"):
        model = timm_model(10, (side, side), "vit_tiny_patch16_224", None, None)
    assert model.patch_embed.grid_size == (patches, patches)
