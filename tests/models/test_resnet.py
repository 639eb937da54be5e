"""ResNet18 for small images: counts, shapes, and a comparison with torchvision's, adapted."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.models.resnet import BasicBlock, ResNet18

PLAIN = {"last_stride": 2, "pooled_size": 1}
EIGHT = {"last_stride": 1, "pooled_size": 2}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(("variant", "expected"), [(PLAIN, 11_173_962), (EIGHT, 11_189_322)])
def test_parameters_are_exactly_those_of_the_course_studies(variant, expected):
    model = ResNet18(num_classes=10, **variant)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_the_head_of_the_8x8_variant_reads_2048_numbers():
    head = ResNet18(num_classes=10, **EIGHT).head
    assert sum(p.numel() for p in head.parameters()) == 20_490


@pytest.mark.parametrize(("variant", "last", "pooled"), [(PLAIN, 4, 1), (EIGHT, 8, 2)])
def test_each_stage_has_its_shape(variant, last, pooled):
    model = ResNet18(num_classes=10, **variant).eval()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, module in model.named_children():
        module.register_forward_hook(
            lambda _m, _i, output, name=name: shapes.__setitem__(name, tuple(output.shape))
        )
    with torch.no_grad():
        model(torch.randn(2, 3, 32, 32))
    assert shapes == {
        "stem": (2, 64, 32, 32),
        "layer1": (2, 64, 32, 32),
        "layer2": (2, 128, 16, 16),
        "layer3": (2, 256, 8, 8),
        "layer4": (2, 512, last, last),
        "pool": (2, 512, pooled, pooled),
        "head": (2, 10),
    }
    assert all(name in shapes for name in model.explainable_layers)


@pytest.mark.parametrize("variant", [PLAIN, EIGHT], ids=["4x4", "8x8"])
def test_logits_equal_those_of_torchvision_with_the_same_weights(variant):
    model = scrambled(ResNet18(num_classes=10, **variant))
    other = torchvision_resnet18(eight_by_eight=variant is EIGHT)
    # Names differ, but the order is the same.
    weights = (value.clone() for value in model.state_dict().values())
    other.load_state_dict(dict(zip(other.state_dict(), weights, strict=True)), assign=True)
    images = torch.randn(2, 3, 32, 32)
    for training in (False, True):
        with torch.no_grad():
            actual, expected = model.train(training)(images), other.train(training)(images)
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("block", "shortcut"),
    [((4, 4, 1), 0), ((4, 6, 1), 24 + 12), ((4, 4, 2), 16 + 8), ((4, 6, 2), 24 + 12)],
)
def test_a_block_that_changes_the_shape_has_a_shortcut_that_does_too(block, shortcut):
    in_channels, out_channels, stride = block
    residual = BasicBlock(*block)
    assert sum(p.numel() for p in residual.shortcut.parameters()) == shortcut
    side = 8 // stride
    assert residual(torch.randn(2, in_channels, 8, 8)).shape == (2, out_channels, side, side)


def test_every_relu_is_a_module_of_its_own_and_not_in_place():
    model = ResNet18(num_classes=10, **PLAIN).eval()
    relus = [m for m in model.modules() if isinstance(m, nn.ReLU)]
    calls = []
    for relu in relus:
        relu.register_forward_hook(lambda module, _i, _o: calls.append(module))
    with torch.no_grad():
        model(torch.randn(1, 3, 32, 32))
    assert len(calls) == len(set(calls)) == 17
    assert not any(relu.inplace for relu in relus)


def scrambled(model: nn.Module) -> nn.Module:
    """Norms far from the identity, or a missing norm would go unnoticed."""
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor in (norm.weight.data, norm.running_var):
                tensor.copy_(torch.rand(tensor.shape) + 0.5)
            for tensor in (norm.bias.data, norm.running_mean):
                tensor.copy_(torch.randn(tensor.shape) / 4)
    return model


def torchvision_resnet18(eight_by_eight: bool) -> nn.Module:
    from torchvision.models import resnet18

    with torch.device("meta"):  # weights are loaded later
        model = resnet18(num_classes=10)
        model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        model.maxpool = nn.Identity()
        model.avgpool = nn.AvgPool2d(4)
        if eight_by_eight:
            model.layer4[0].conv1.stride = (1, 1)
            model.layer4[0].downsample[0].stride = (1, 1)
            model.fc = nn.Linear(2048, 10)
    return model
