"""Which tensors fit a network, by name and shape."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.assembly.weights import fitted, head_of
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.from_timm import timm_model
from cifar_lab.models.resnet import ResNet18
from cifar_lab.refusal import Refusal
from cifar_lab.run.weights import Weights


def net(classes: int = 3, width: int = 4) -> nn.Sequential:
    """Its head is not the last of its layers with ``classes`` channels only if width is 3."""
    layers = [nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(9, classes)]
    return nn.Sequential(*layers)


def weights(model: nn.Module, **changes: torch.Tensor) -> Weights:
    return Weights("there.pt", "0" * 64, None, {**model.state_dict(), **changes})


def test_all_tensors_of_the_same_model_are_loaded():
    torch.manual_seed(0)
    theirs, ours = net(), net()
    found = fitted(ours, weights(theirs), 3)
    found.load(ours)
    assert found.described == "9 of 9 tensors from there.pt"
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


def test_a_head_for_other_classes_keeps_its_initial_values_and_is_told():
    theirs, ours = net(10), net(3)
    before = ours[3].weight.detach().clone()
    found = fitted(ours, weights(theirs), 3)
    found.load(ours)
    assert found.described == (
        "7 of 9 tensors from there.pt; new: 3.weight, 3.bias (10 → 3 classes)"
    )
    assert torch.equal(ours[3].weight, before)
    assert torch.equal(ours[0].weight, theirs[0].weight)


def test_missing_and_unused_tensors_are_told():
    theirs, ours = net(), net()
    given = weights(theirs, extra=torch.ones(1))
    del given.tensors["1.running_var"]
    found = fitted(ours, given, 3)
    assert found.new == ("1.running_var",)
    assert found.described == "8 of 9 tensors from there.pt; new: 1.running_var; unused: extra"
    assert found.recorded.unused == ("extra",)


def test_another_shape_is_refused_with_both():
    with pytest.raises(Refusal, match=r"0.weight is 8×3×3×3 there and 4×3×3×3 here") as refused:
        fitted(net(), weights(net(width=8)), 3)
    assert "6 of 9 tensors have a different shape" in str(refused.value)


def test_a_layer_with_as_many_channels_as_classes_is_no_head():
    """Only the last such layer is."""
    model = net(classes=3, width=3)
    assert head_of(model, 3) == ["3.weight", "3.bias"]
    with pytest.raises(Refusal, match=r"0.weight is 5×3×3×3 there and 3×3×3×3 here"):
        fitted(model, weights(net(classes=3, width=5)), 3)


def test_a_head_whose_inputs_differ_as_well_is_refused():
    other = weights(net(10), **{"3.weight": torch.ones(10, 8)})
    with pytest.raises(Refusal, match=r"3.weight is 10×8 there and 3×9 here"):
        fitted(net(), other, 3)


def test_weights_with_no_name_in_common_are_refused():
    with pytest.raises(Refusal, match="no tensor has a name of Sequential's; it has other, but"):
        fitted(net(), Weights("f.pt", "", None, {"other": torch.ones(1)}), 3)


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (lambda: CustomResNet(num_classes=7, width=4), "head"),
        (lambda: ResNet18(num_classes=7, last_stride=2, pooled_size=1), "fc"),
        (
            lambda: timm_model(
                num_classes=7, image_size=(32, 32), name="vit_tiny_patch16_224",
                drop_rate=None, drop_path_rate=None,
            ),
            "head",
        ),
    ],
)  # fmt: skip
def test_the_head_of_models_of_every_kind_is_found(model, head):
    found = {name.rpartition(".")[0].split(".")[0] for name in head_of(model(), 7)}
    assert len(found) == 1
    assert found <= {head, "classifier", "head", "linear", "output"}
