"""The custom ResNet: parameter counts, shapes, and a plain functional implementation."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifar_lab.models.custom_resnet import CustomResNet


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_parameters_are_exactly_those_of_the_course_study():
    assert count(CustomResNet(num_classes=10, width=64)) == 6_573_120


@pytest.mark.parametrize(("width", "classes"), [(1, 100), (4, 3), (16, 10)])
def test_parameters_follow_the_closed_formula(width, classes):
    channels = [
        (3, width),
        (width, 2 * width),
        (2 * width, 2 * width),
        (2 * width, 2 * width),
        (2 * width, 4 * width),
        (4 * width, 8 * width),
        (8 * width, 8 * width),
        (8 * width, 8 * width),
    ]
    expected = sum(9 * i * o + 2 * o for i, o in channels) + 8 * width * classes
    assert count(CustomResNet(classes, width)) == expected


def test_each_stage_has_the_shape_of_the_drawing():
    model = CustomResNet(num_classes=10, width=64).eval()
    shapes = output_shapes(
        model, ["stem", "layer1.down", "layer1", "layer2", "layer3.down", "layer3", "pool", "head"]
    )
    assert shapes == {
        "stem": (2, 64, 32, 32),
        "layer1.down": (2, 128, 16, 16),
        "layer1": (2, 128, 16, 16),
        "layer2": (2, 256, 8, 8),
        "layer3.down": (2, 512, 4, 4),
        "layer3": (2, 512, 4, 4),
        "pool": (2, 512, 1, 1),
        "head": (2, 10),
    }


def test_the_explainable_layers_are_maps_from_32_to_4_cells():
    model = CustomResNet(num_classes=10, width=4).eval()
    shapes = output_shapes(model, list(model.explainable_layers))
    assert [shape[2:] for shape in shapes.values()] == [(32, 32), (16, 16), (8, 8), (4, 4)]


def test_no_layer_but_the_norms_has_a_bias():
    model = CustomResNet(num_classes=10, width=4)
    assert model.head.bias is None
    assert all(m.bias is None for m in model.modules() if isinstance(m, nn.Conv2d))


@pytest.mark.parametrize("training", [False, True])
def test_logits_equal_a_functional_reading_of_the_drawing(training):
    model = scrambled(CustomResNet(num_classes=3, width=4)).train(training)
    images = torch.randn(5, 3, 32, 32)
    expected = functional_custom_resnet(dict(model.state_dict()), images, training)
    torch.testing.assert_close(model(images), expected)


@pytest.mark.parametrize("stage", ["layer1", "layer3"])
def test_nothing_follows_the_sum(stage):
    # Both summands are ReLU outputs, so a ReLU after the sum would change nothing: only a
    # negative sum shows whether anything follows.
    model = CustomResNet(num_classes=3, width=4).eval()
    residual = model.get_submodule(stage)
    residual.sum.register_forward_hook(lambda _module, _inputs, output: -output - 1)
    x = torch.randn(2, residual.down[0].in_channels, 8, 8)
    assert torch.equal(residual(x), -(residual.down(x) + residual.branch(residual.down(x))) - 1)


@pytest.mark.parametrize("stage", ["layer1", "layer3"])
def test_the_sum_comes_after_the_relu_of_the_branch(stage):
    model = CustomResNet(num_classes=3, width=4).eval()
    seen = []
    model.get_submodule(stage).sum.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs))
    model(torch.randn(2, 3, 32, 32))
    (_, branch) = seen[0]
    assert (branch == 0).any()
    assert (branch >= 0).all()


def test_every_relu_is_a_module_of_its_own_and_not_in_place():
    model = CustomResNet(num_classes=3, width=4).eval()
    calls: dict[nn.Module, int] = {}
    relus = [m for m in model.modules() if isinstance(m, nn.ReLU)]
    for relu in relus:
        relu.register_forward_hook(
            lambda module, _i, _o: calls.__setitem__(module, calls.get(module, 0) + 1)
        )
    model(torch.randn(2, 3, 32, 32))
    assert list(calls.values()) == [1] * 8
    assert not any(relu.inplace for relu in relus)


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def scrambled(model: nn.Module) -> nn.Module:
    """Norms far from the identity, with scales of both signs: max pool and norm do not commute."""
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
                tensor.copy_(torch.randn(tensor.shape))
            norm.running_var.copy_(torch.rand(norm.running_var.shape) + 0.5)
    return model


def output_shapes(model: nn.Module, names: list[str]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name in names:
        model.get_submodule(name).register_forward_hook(
            lambda _m, _i, output, name=name: shapes.__setitem__(name, tuple(output.shape))
        )
    with torch.no_grad():
        model(torch.randn(2, 3, 32, 32))
    return shapes


def functional_custom_resnet(state: dict[str, Tensor], images: Tensor, training: bool) -> Tensor:
    """The published architecture, line by line; weights are used in order, not by name."""
    values = iter(value.clone() for value in state.values())

    def block(x: Tensor, pool: bool = False) -> Tensor:
        x = F.conv2d(x, next(values), padding=1)
        if pool:
            x = F.max_pool2d(x, 2)
        weight, bias, mean, variance, _ = (next(values) for _ in range(5))
        return F.relu(F.batch_norm(x, mean, variance, weight, bias, training))

    x = block(images)
    x = block(x, pool=True)
    x = x + block(block(x))
    x = block(x, pool=True)
    x = block(x, pool=True)
    x = x + block(block(x))
    return F.max_pool2d(x, 4).flatten(1) @ next(values).T
