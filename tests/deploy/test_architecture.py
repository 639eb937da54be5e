"""A bundle names one of a few networks and plain arguments, and nothing else."""

from __future__ import annotations

import inspect

import pytest
from torch import nn

from cifar_lab import models
from cifar_lab.deploy.architecture import ARCHITECTURES, built, not_plain
from cifar_lab.deploy.description import Architecture
from cifar_lab.refusal import Refusal


def test_every_public_network_of_the_lab_may_be_named():
    takes_classes = {
        name
        for name in models.__all__
        if "num_classes" in inspect.signature(getattr(models, name)).parameters
    }
    assert takes_classes == set(ARCHITECTURES)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CustomResNet", {"width": 4, "num_classes": 3}),
        (
            "timm_model",
            {
                "name": "resnet18",
                "image_size": [32, 32],
                "num_classes": 3,
                "drop_rate": None,
                "drop_path_rate": None,
            },
        ),
    ],
)
def test_a_network_is_built(name, arguments):
    model = built(Architecture(name, arguments, own=False))
    assert isinstance(model, nn.Module)
    assert [m.out_features for m in model.modules() if isinstance(m, nn.Linear)][-1] == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("os.system", "architecture os.system: must be one of CustomResNet"),
        ("summarise", "architecture summarise: must be one of"),
        ("__class__", "architecture __class__: must be one of"),
        ("ResNet8", "did you mean 'ResNet18'"),
    ],
)
def test_nothing_else_may_be_named(name, said):
    with pytest.raises(Refusal, match=said):
        built(Architecture(name, {"num_classes": 3}, own=False))


def test_a_users_own_is_not_imported_without_trust():
    with pytest.raises(Refusal, match="Python file in the bundle, which is not imported: add --tr"):
        built(Architecture("tiny.TinyNet", {}, own=True))


@pytest.mark.parametrize(
    "value", [{"_target_": "os.system"}, [[{"a": 1}]], {}, object(), [0] * 2000]
)
def test_arguments_are_plain(value):
    assert not_plain({"width": value}) == [
        "width must be a number, text, true, false, null or a list of these"
    ]
    assert not_plain({"widths": [1, [2.5, "a"], None, True]}) == []
    with pytest.raises(Refusal, match="architecture CustomResNet: width must be a number"):
        built(Architecture("CustomResNet", {"width": value}, own=False))


def test_a_constructors_complaint_is_told():
    with pytest.raises(Refusal, match=r"architecture CustomResNet could not be built: .*colour"):
        built(Architecture("CustomResNet", {"num_classes": 3, "colour": 1}, own=False))
