"""Which layer is explained: a named one, or the deepest with a large enough map."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.explain.layers import choose_layers, map_sizes, unfit_layers
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18
from cifar_lab.refusal import Refusal

SIZE = (32, 32)


@pytest.mark.parametrize(
    ("model", "expected", "side"),
    [
        pytest.param(lambda: CustomResNet(10, 4), "layer2", 8, id="custom ResNet"),
        pytest.param(lambda: ResNet18(10, 2, 1), "layer3", 8, id="ResNet18"),
        pytest.param(lambda: ResNet18(10, 1, 2), "layer4", 8, id="ResNet18 8×8"),
    ],
)
def test_the_deepest_layer_of_at_least_5x5_is_taken(model, expected, side):
    network = model()
    assert choose_layers(network, SIZE, None) == (expected,)
    assert map_sizes(network, [expected], SIZE) == {expected: (side, side)}


@pytest.mark.parametrize(("side", "expected"), [(40, "layer3.sum"), (39, "layer2"), (8, "stem")])
def test_the_smallest_map_has_five_cells_a_side(side, expected):
    # 40 / 8 = 5 cells at layer3; 39 // 8 = 4.
    assert choose_layers(CustomResNet(10, 4), (side, side), None) == (expected,)


def test_both_sides_must_have_five_cells():
    assert choose_layers(CustomResNet(10, 4), (64, 16), None) == ("layer1.sum",)


def test_where_no_map_is_large_enough_the_largest_is_taken():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 4, 2))
    model.explainable_layers = ("0", "1")
    assert choose_layers(model, (4, 4), None) == ("0",)


def test_a_named_layer_is_taken_however_small_its_map():
    assert choose_layers(CustomResNet(10, 4), SIZE, "layer3.sum") == ("layer3.sum",)
    assert choose_layers(CustomResNet(10, 4), SIZE, "layer1.branch.0") == ("layer1.branch.0",)


def test_several_layers_are_taken_in_the_order_of_their_names_each_once():
    names = ["layer3.sum", "layer1.sum", "layer3.sum"]
    assert choose_layers(CustomResNet(10, 4), SIZE, names) == ("layer3.sum", "layer1.sum")


def test_problems_with_several_layers_are_reported_at_once():
    with pytest.raises(Refusal) as refusal:
        choose_layers(CustomResNet(10, 4), SIZE, ["layer9", "layer2", "head", "layer8"])
    assert [problem.split(": ")[0] for problem in refusal.value.problems] == [
        "report.gradcam_layer=layer9", "report.gradcam_layer=layer8", "GradCAM needs a map",
    ]  # fmt: skip


def test_an_unknown_layer_is_refused_with_those_worth_explaining():
    with pytest.raises(
        Refusal,
        match=r"report\.gradcam_layer=layer9: CustomResNet has no such module; it declares stem, "
        r"layer1\.sum, layer2, layer3\.sum as worth explaining",
    ):
        choose_layers(CustomResNet(10, 4), SIZE, "layer9")


def test_an_unknown_layer_of_a_model_that_names_none_is_refused():
    with pytest.raises(Refusal, match=r"no such module; its deepest modules with a map are 0, 1$"):
        choose_layers(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), SIZE, "layer9")


def test_a_layer_without_a_map_is_refused():
    with pytest.raises(
        Refusal, match=r"needs a map: head outputs neither \(batch, channels, h, w\)"
    ):
        choose_layers(CustomResNet(10, 4), SIZE, "head")


def test_all_unfit_layers_are_reported_with_the_reason():
    names = ["head", "layer9", "layer2", "layer9"]
    worth = "it declares stem, layer1.sum, layer2, layer3.sum as worth explaining"
    missing = ("layer9", False, f"CustomResNet has no such module; {worth}")
    assert unfit_layers(CustomResNet(10, 4), SIZE, names) == [
        missing, missing, ("head", True, f"its output is not a map; {worth}"),
    ]  # fmt: skip
    assert unfit_layers(CustomResNet(10, 4), SIZE, ["stem", "layer3"]) == []
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten())
    assert unfit_layers(model, SIZE, ["1"]) == [
        ("1", True, "its output is not a map; its deepest modules with a map are 0")
    ]


def test_a_model_whose_layers_give_no_map_has_none():
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    assert choose_layers(model, (4, 4), None) == ()
    model.explainable_layers = ("1",)
    assert choose_layers(model, (4, 4), None) == ()


class Plain(nn.Module):
    """A network as people write it, which declares nothing: maps of 16×16, 8×8, 4×4, 1×1."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)  # called twice, so it has no map of its own
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True))
        self.tail = nn.Sequential(nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))

    def forward(self, images):
        return self.head(self.tail(self.body(self.pool(self.pool(self.stem(images))))))


def test_of_a_model_that_declares_no_layer_the_deepest_is_found():
    assert choose_layers(Plain(), SIZE, None) == ("body",)
    assert choose_layers(Plain(), SIZE, "tail.0") == ("tail.0",)
    assert choose_layers(Plain(), (80, 80), None) == ("tail",)
    assert choose_layers(Plain(), (16, 16), None) == ("stem",)
    model = nn.Sequential(nn.Conv2d(3, 4, 4, 8), nn.Flatten(), nn.Linear(4 * 16, 2))
    assert choose_layers(model, SIZE, None) == ("0",)  # 4×4, the largest there is


class Attending(nn.Module):
    """Weights of attention have four dimensions, too, and are not a map of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 4, 8, 8)
        self.weights = nn.Softmax(-1)
        self.head = nn.Linear(4, 2)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        weights = self.weights((tokens @ tokens.transpose(1, 2))[:, None])
        return self.head((weights[:, 0] @ tokens).mean(1))


def test_weights_of_attention_are_no_map():
    assert choose_layers(Attending(), (40, 16), None) == ("patches",)


def test_images_that_the_model_cannot_take_are_refused():
    with pytest.raises(
        Refusal, match=r"CustomResNet does not accept images of 4×4 pixels \(.+\); choose another"
    ):
        choose_layers(CustomResNet(10, 4).train(), (4, 4), None)


def test_sizes_are_height_by_width():
    assert map_sizes(CustomResNet(10, 4), ["stem", "layer2", "head"], (16, 24)) == {
        "stem": (16, 24),
        "layer2": (4, 6),
        "head": None,
    }


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training):
    model = CustomResNet(10, 4).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    choose_layers(model, SIZE, None)
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
