"""Parameters and multiply-adds compared with torchinfo's and with manual sums."""

from __future__ import annotations

import gc
import weakref

import pytest
import timm
import torch
import torchinfo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18
from cifar_lab.models.summary import summarise


@pytest.mark.parametrize(
    ("model", "parameters", "millions"),
    [
        pytest.param(lambda: CustomResNet(10, 64), 6_573_120, 379.3, id="custom ResNet"),
        pytest.param(lambda: ResNet18(10, 2, 1), 11_173_962, 555.4, id="ResNet18"),
        pytest.param(lambda: ResNet18(10, 1, 2), 11_189_322, 958.1, id="ResNet18 8×8"),
    ],
)
def test_sizes_are_those_of_the_course_studies_and_of_torch(model, parameters, millions):
    network = model()
    size = summarise(network, (32, 32))
    assert size.parameters == parameters
    assert round(size.multiply_adds / 1e6, 1) == millions
    statistics = torchinfo.summary(network, (1, 3, 32, 32), verbose=0)
    # torchinfo also counts norms and biases.
    assert size.multiply_adds == pytest.approx(statistics.total_mult_adds, rel=1e-4)


def test_the_model_is_not_kept():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    summarise(model, (8, 8))
    kept = weakref.ref(model)
    del model
    gc.collect()
    assert kept() is None


def test_the_table_gives_the_published_totals_of_a_batch():
    size = summarise(ResNet18(10, 2, 1), (32, 32))
    lines = size.table_at(512).splitlines()
    assert "Total params: 11,173,962" in lines
    place = lines.index("Total mult-adds (M): 555.42")
    assert lines[place + 1] == "Total mult-adds at batch 512 (G): 284.38"
    assert size.table.splitlines() == lines[: place + 1] + lines[place + 2 :]


def test_counts_of_a_small_net_equal_those_by_hand():
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 24, 7)
    )
    size = summarise(model, (4, 6))
    assert size.parameters == 3 * 5 * 9 + 120 * 7 + 7
    assert size.multiply_adds == 3 * 5 * 9 * 24 + 120 * 7


def test_a_linear_layer_is_counted_for_every_token():
    model = nn.Sequential(nn.Flatten(2), nn.Linear(24, 5), nn.Flatten(), nn.Linear(15, 2))
    size = summarise(model, (4, 6))  # three tokens of 24 numbers
    assert size.multiply_adds == 3 * 24 * 5 + 15 * 2
    assert "Total mult-adds (M): 0.00" in size.table


def test_attention_is_counted_as_torch_does():
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=3)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.ones(1, 3, 32, 32))
    assert summarise(model, (32, 32)).multiply_adds == counter.get_total_flops() // 2 > 0


def test_frozen_parameters_are_counted():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    model[1].weight.requires_grad_(False)
    assert summarise(model, (2, 2)).parameters == 12 * 2 + 2


def test_the_table_names_layers_output_shapes_and_parameters():
    table = summarise(CustomResNet(num_classes=3, width=4), (16, 16)).table
    lines = {line.split(")")[0].split("(")[-1]: line for line in table.splitlines() if "(" in line}
    assert "[1, 4, 16, 16]" in lines["stem"]
    assert "[1, 16, 4, 4]" in lines["layer2"]
    assert "[1, 3]" in lines["head"]
    assert lines["head"].split()[-2] == str(32 * 3)
    assert "Total params: 26,116" in table
    assert "Total mult-adds (M): 0.40" in table


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training):
    model = CustomResNet(num_classes=3, width=4).train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    summarise(model, (32, 32))
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_on_the_cpu_stays_there_where_cuda_is_available(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    model = CustomResNet(num_classes=3, width=4)
    summarise(model, (32, 32))
    assert {parameter.device for parameter in model.parameters()} == {torch.device("cpu")}
    assert summarise(torch.nn.Flatten(), (2, 2)).parameters == 0
