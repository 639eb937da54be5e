"""Explained values compared with manually written logits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cifar_lab.explain.targets import ExplainedValue, Targets, class_biases
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18

LOGITS = torch.tensor([[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]])
PREDICTED, LABELS = torch.tensor([1, 0]), torch.tensor([2, 0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("predicted", [5.0, 7.0]), ("true", [2.0, 7.0]), ("difference", [3.0, 0.0])],
)
def test_targets_are_logits_or_their_difference(name, expected):
    targets = Targets.named(name, PREDICTED, LABELS)
    assert targets.values(LOGITS).tolist() == expected


def test_the_wrapped_model_gives_the_explained_number():
    targets = Targets.named("difference", PREDICTED, LABELS)
    found = ExplainedValue(nn.Identity())(LOGITS, targets.first, targets.second)
    assert found.tolist() == [3.0, 0.0]


def test_the_biases_are_those_of_the_head():
    model = ResNet18(num_classes=3, last_stride=2, pooled_size=1)
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor([1.0, -2.0, 0.5]))
    assert class_biases(model, 3).tolist() == [1.0, -2.0, 0.5]
    found = class_biases(model, 3)
    found += 1
    assert model.head.bias.tolist() == [1.0, -2.0, 0.5]


@pytest.mark.parametrize("model", [CustomResNet(num_classes=3, width=4), nn.Identity()])
def test_without_biases_they_are_zeros(model):
    assert class_biases(model, 3).tolist() == [0.0, 0.0, 0.0]
