"""A network in other formats gives its own logits, however many images; one file holds it all."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from cifar_lab.deploy import formats
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.formats import ENDINGS, write_format
from cifar_lab.models import (
    CustomResNet,
    ThreeBlockConvNet,
    timm_model,
    torchvision_model,
)
from cifar_lab.refusal import Refusal
from tests.deploy.bundles import USAGE, network

SIZE = (32, 32)
NETWORKS = {
    "CustomResNet": network,
    "ThreeBlockConvNet": lambda: ThreeBlockConvNet(
        num_classes=3, widths=(4, 4, 4), activation="gelu", norm_momentum=0.4, logit_scale=None
    ),
    "timm": lambda: timm_model(3, SIZE, "convnext_atto", None, None),
    "a transformer of timm": lambda: timm_model(3, SIZE, "vit_tiny_patch16_224", None, None),
    "torchvision": lambda: torchvision_model(3, SIZE, "shufflenet_v2_x0_5"),
}


def normalised(count: int) -> torch.Tensor:
    return torch.randn(count, 3, *SIZE, generator=torch.Generator().manual_seed(99))


@pytest.mark.slow
@pytest.mark.extra("onnx")
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_runtime_gives_the_networks_logits(name, tmp_path):
    import onnx
    import onnxruntime

    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    found = write_format(Classifier(model, USAGE), "onnx", tmp_path / "a.onnx", "0123")
    assert found <= 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]
    graph = onnx.load(tmp_path / "a.onnx")
    onnx.checker.check_model(graph)
    batch = graph.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param
    said = {each.key: each.value for each in graph.metadata_props}
    assert json.loads(said["class_names"]) == list(USAGE.class_names)
    assert (json.loads(said["mean"]), said["run"]) == (list(USAGE.mean), "0123")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    for count in (1, 3, 300):
        with torch.no_grad():
            expected = model(normalised(count)).numpy()
        logits = session.run(["logits"], {"images": normalised(count).numpy()})[0]
        np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CustomResNet", "ThreeBlockConvNet", "a transformer of timm"])
def test_an_exported_program_is_written_and_checked(name, tmp_path):
    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    found = write_format(Classifier(model, USAGE), "torch-export", tmp_path / "a.pt2", None)
    assert found <= 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt2"]
    program = torch.export.load(tmp_path / "a.pt2").module()
    with torch.no_grad():
        torch.testing.assert_close(program(normalised(5)), model(normalised(5)))


@pytest.mark.slow
@pytest.mark.extra("onnx")
@pytest.mark.parametrize("form", ENDINGS)
def test_flips_are_part_of_the_graph(form, tmp_path):
    model = network()
    classifier = Classifier(model, replace(USAGE, flips=True))
    file = tmp_path / "a"
    write_format(classifier, form, file, None)
    images = normalised(2)
    with torch.no_grad():
        expected = (model(images) + model(images.flip(3))) / 2
    if form == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(file.read_bytes())
        logits = torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])
    else:
        logits = torch.export.load(file).module()(images)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)


class Deciding(nn.Module):
    """What it computes depends on its images, so that it cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 32 * 32, 3)

    def forward(self, images):
        if images.sum() > 0:
            return self.layer(images.flatten(1))
        return -self.layer(images.flatten(1))


@pytest.mark.parametrize(
    "form", [pytest.param("onnx", marks=pytest.mark.extra("onnx")), "torch-export"]
)
def test_a_network_that_cannot_be_exported_leaves_nothing(form, tmp_path):
    with pytest.raises(Refusal, match=f"--format {form}: Deciding could not be exported: "):
        write_format(Classifier(Deciding().eval(), USAGE), form, tmp_path / "new" / "a", None)
    assert list(tmp_path.iterdir()) == []


def test_other_logits_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "_write_program", lambda *_: lambda images: images.mean((2, 3)))
    with pytest.raises(Refusal, match="gives other logits in a batch of 1: they differ by up to"):
        write_format(Classifier(network(), USAGE), "torch-export", tmp_path / "a", None)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_not_the_networks_fault_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(formats, "_write_program", full)
    file = tmp_path / "exports" / "today" / "a.pt2"
    with pytest.raises(Refusal) as refused:
        write_format(Classifier(network(), USAGE), "torch-export", file, None)
    assert str(refused.value) == (
        f"{file} could not be written: No space left on device; choose another place with -o"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_network_is_left_as_it_was(tmp_path, monkeypatch):
    model = CustomResNet(num_classes=3, width=4).to(memory_format=torch.channels_last)
    before = {name: (each.clone(), each.requires_grad) for name, each in model.named_parameters()}
    write_format(Classifier(model, USAGE), "torch-export", tmp_path / "a", None)
    assert model.training
    for name, each in model.named_parameters():
        assert torch.equal(each, before[name][0])
        assert each.requires_grad == before[name][1]
