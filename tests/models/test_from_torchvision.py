"""torchvision's models adapted: one of every family takes a step and can be explained."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision import models

from cifar_lab.models.from_torchvision import FAMILIES, torchvision_model
from cifar_lab.models.resnet import ResNet18
from tests.models.fitting import (
    Step,
    assert_it_is_summarised_and_has_a_map,
    assert_it_learns,
    assert_its_layers_can_be_explained,
    count,
    step,
)

#: Map sides for 32×32 images.
FOUR, TOKENS = [32, 16, 8, 4], [8, 8, 8, 8]
#: A small model from every family, with the sides of its declared maps.
TRIED = {
    "convnext_tiny": FOUR,
    "densenet121": FOUR,
    "efficientnet_b0": FOUR,
    "mnasnet0_5": FOUR,
    "mobilenet_v2": FOUR,
    "mobilenet_v3_small": FOUR,
    "regnet_y_400mf": FOUR,
    "resnet18": FOUR,
    "shufflenet_v2_x0_5": FOUR,
    "squeezenet1_0": FOUR[:-1],
    "swin_t": FOUR,
    "vgg11": FOUR,
    "vit_b_16": TOKENS,
}


@pytest.fixture(scope="module", params=TRIED)
def tried(request) -> tuple[Step, list[int]]:
    return step(lambda: small(request.param)), TRIED[request.param]


@pytest.mark.slow
def test_it_learns_and_its_layers_can_be_explained(tried):
    taken, sides = tried
    assert_it_learns(taken)
    assert_its_layers_can_be_explained(taken)
    assert_it_is_summarised_and_has_a_map(taken)
    assert taken.sides() == sides


def test_every_family_is_tried():
    found = {models.get_model_builder(name).__module__.rsplit(".", 1)[-1] for name in TRIED}
    assert found == set(FAMILIES)


@pytest.mark.parametrize("name", ["resnext50_32x4d", "wide_resnet50_2", "resnet152"])
def test_nothing_but_the_kernel_on_the_image_loses_parameters(name):
    with torch.device("meta"):
        own, fitted = models.get_model(name, num_classes=10), small(name)
    stem = next(m for m in own.modules() if isinstance(m, nn.Conv2d))
    lost = 3 * stem.out_channels * (stem.kernel_size[0] ** 2 - 9)
    assert count(fitted) == count(own) - lost


@pytest.mark.parametrize("training", [False, True])
def test_resnet18_is_ours(training):
    ours = ResNet18(num_classes=10, last_stride=2, pooled_size=1)
    theirs = small("resnet18")
    assert count(theirs) == count(ours) == 11_173_962
    assert theirs.explainable_layers == ours.explainable_layers
    # Names differ, but the order is the same.
    weights = dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True))
    theirs.load_state_dict(weights)
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(theirs.train(training)(images), ours.train(training)(images))


def test_vgg_begins_as_torchvision_draws_it():
    torch.manual_seed(0)
    model = small("vgg11_bn")
    convolutions = sum(p.numel() for p in model.features.parameters())
    assert count(model) == convolutions + 512 * 10 + 10
    norm, conv = model.features[-3], model.features[-4]
    assert (norm.running_var.unique().item(), norm.weight.unique().item()) == (1.0, 1.0)
    assert conv.weight.std().item() == pytest.approx((2 / (9 * 512)) ** 0.5, rel=0.01)
    assert not conv.bias.any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "regnet_y_400mf"])
def test_it_computes_in_bfloat16_and_channels_last(name):
    model = small(name).to(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 32, 32).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images)
    logits.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (64, 32)])
def test_it_takes_images_of_other_sizes(size):
    model = small("mobilenet_v3_small", size).eval()
    with torch.no_grad():
        assert model(torch.randn(2, 3, *size)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet81", r"torchvision.models has no such model; did you mean resnet18 or"),
        ("fcn_resnet50", r"torchvision.models has no such model; did you mean .*resnet50"),
        ("alexnet", "torchvision's alexnet models are designed for large images"),
    ],
)
def test_a_model_that_is_unknown_or_does_not_fit_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        small(name)


def test_a_vision_transformer_takes_square_images():
    with pytest.raises(ValueError, match=r"images of 64×32 pixels \(it needs square images\)"):
        small("vit_b_16", (64, 32))


def small(name: str, image_size: tuple[int, int] = (32, 32)) -> nn.Module:
    return torchvision_model(10, image_size, name)
