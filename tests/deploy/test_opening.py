"""A bundle's network has exactly the weights that were exported; a stranger's code never runs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save

from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.classifier import Classifier
from cifar_lab.deploy.description import Architecture, Module
from cifar_lab.deploy.opening import open_bundle
from cifar_lab.models import CustomResNet
from cifar_lab.refusal import Refusal
from tests.deploy.bundles import USAGE, a_bundle, network

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def test_its_logits_are_those_of_the_network(tmp_path):
    opened = open_bundle(read_bundle(a_bundle(tmp_path / "bundle")))
    model = network().to(memory_format=torch.channels_last)
    np.testing.assert_array_equal(opened.logits(IMAGES), Classifier(model, USAGE).logits(IMAGES))
    assert not opened.model.training


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.pop(next(iter(s))), "is missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "extra is unknown"),
        (lambda s: s.update({next(iter(s)): torch.zeros(2)}), r"is float32 \(2,\), not float32"),
        (lambda s: s.update({k: v.double() for k, v in s.items()}), "is float64"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, said):
    state = {name: tensor.contiguous() for name, tensor in network().state_dict().items()}
    change(state)
    bundle = read_bundle(a_bundle(tmp_path / "bundle", {"model.safetensors": save(state)}))
    with pytest.raises(Refusal, match=said):
        open_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04.", b"\xff" * 64])
def test_weights_that_are_none_are_refused(tmp_path, content):
    bundle = read_bundle(a_bundle(tmp_path / "bundle", {"model.safetensors": content}))
    with pytest.raises(Refusal, match=r"model\.safetensors could not be loaded"):
        open_bundle(bundle)


def test_a_file_larger_than_the_network_is_not_read(tmp_path, monkeypatch):
    folder = a_bundle(tmp_path / "bundle", {"model.safetensors": bytes(3_000_000)})
    bundle, read = read_bundle(folder), []
    monkeypatch.setattr(type(bundle), "read", lambda _, name: read.append(name))
    with pytest.raises(Refusal, match="has 3,000,000 bytes, and the weights of CustomResNet have"):
        open_bundle(bundle)
    assert read == []


OWN = b"""
from cifar_lab.models import CustomResNet
open("executed", "w").close()
class Net(CustomResNet):
    pass
"""


def with_own(tmp_path, content=OWN):
    return a_bundle(
        tmp_path / "bundle",
        {"code/insect_net.py": content},
        architecture=Architecture("insect_net.Net", {"width": 4, "num_classes": 3}, own=True),
        modules=(Module("insect_net", "code/insect_net.py"),),
    )


def test_own_code_runs_only_with_trust(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundle = read_bundle(with_own(tmp_path))
    with pytest.raises(Refusal, match="is not imported: add --trust"):
        open_bundle(bundle)
    assert not (tmp_path / "executed").exists()
    opened = open_bundle(bundle, trust=True)
    assert (tmp_path / "executed").exists()
    assert type(opened.model).__name__ == "Net"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"def (", "SyntaxError: invalid syntax"),
        (b"x = '\xff'", "SyntaxError: .*utf-8"),
        (b"1 / 0", "ZeroDivisionError: division by zero"),
        (b"import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        (b"Other = 1", "AttributeError: module 'insect_net' has no attribute 'Net'"),
    ],
)
def test_own_code_that_fails_is_one_message(tmp_path, content, said):
    bundle = read_bundle(with_own(tmp_path, content))
    with pytest.raises(Refusal, match=f"architecture insect_net.Net could not be imported: {said}"):
        open_bundle(bundle, trust=True)


def test_a_network_that_is_too_large_is_refused_before_it_takes_memory(tmp_path):
    huge = Architecture("CustomResNet", {"width": 500_000, "num_classes": 3}, own=False)
    bundle = read_bundle(a_bundle(tmp_path / "bundle", architecture=huge))
    with pytest.raises(
        Refusal, match=r"is not of CustomResNet: .* not float32 \(500000, 3, 3, 3\)"
    ):
        open_bundle(bundle)


def test_a_network_that_cannot_be_built_takes_no_memory(tmp_path, monkeypatch):
    # Its second layer is larger than any memory; the first one would take 46 GB.
    huge = Architecture("CustomResNet", {"width": 430_000_000, "num_classes": 3}, own=False)
    bundle = read_bundle(a_bundle(tmp_path / "bundle", architecture=huge))
    made = []
    init = torch.nn.Conv2d.reset_parameters
    monkeypatch.setattr(
        torch.nn.Conv2d, "reset_parameters", lambda s: (made.append(s.weight.device.type), init(s))
    )
    with pytest.raises(Refusal, match="CustomResNet could not be built: Storage size"):
        open_bundle(bundle)
    assert set(made) == {"meta"}


def test_a_network_that_cannot_run_is_refused(tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("CUDA error: no kernel image\nmore")

    monkeypatch.setattr(CustomResNet, "forward", fails)
    with pytest.raises(
        Refusal, match=r"the network could not be run: CUDA error: no kernel image$"
    ):
        open_bundle(read_bundle(a_bundle(tmp_path / "bundle")))


def test_a_network_computes_a_logit_for_each_class(tmp_path, monkeypatch):
    monkeypatch.setattr(CustomResNet, "forward", lambda _, images: images.new_zeros(len(images), 2))
    with pytest.raises(Refusal, match=r"array \(1, 2\), and not a logit for each of 3 classes"):
        open_bundle(read_bundle(a_bundle(tmp_path / "bundle")))


@pytest.mark.parametrize(
    "module",
    [
        Module("torch", "code/torch.py"),
        Module("mine", "mine.py"),
        Module("mine", "code/torch.py"),
        Module("mine", "code/mine/torch.py"),
        Module("mine", "code.py"),
    ],
)
def test_a_module_may_not_stand_for_another(tmp_path, module):
    folder = a_bundle(tmp_path / "bundle", {module.file: OWN}, modules=(module,))
    with pytest.raises(Refusal, match="is not a module of a user's own"):
        open_bundle(read_bundle(folder), trust=True)
