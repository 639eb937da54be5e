"""A run's network is named with all of its arguments; what a bundle cannot hold is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cifar_lab.deploy.description import Architecture
from cifar_lab.recipe.architecture import architecture_of
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import RunFolder


def config(target: str, **arguments):
    return {"model": {"_target_": target, "weights": None, **arguments}}


@pytest.fixture
def run(tmp_path):
    data = SimpleNamespace(class_names=("ant", "bee"), image_size=(32, 32))
    folder = RunFolder(tmp_path)
    folder.best_checkpoint.parent.mkdir()
    folder.best_checkpoint.touch()
    return SimpleNamespace(data=data, code=None, folder=folder)


def test_the_labs_own_networks_are_named(run):
    found, modules = architecture_of(run, config("cifar_lab.models.CustomResNet", width=4))
    assert found == Architecture("CustomResNet", {"width": 4, "num_classes": 2}, own=False)
    assert modules == ()


def test_a_network_that_takes_the_size_gets_it(run):
    node = config(
        "cifar_lab.models.timm_model", name="resnet18", drop_rate=None, drop_path_rate=None
    )
    found, _ = architecture_of(run, node)
    assert found.arguments["image_size"] == list(run.data.image_size)


def test_all_that_cannot_be_exported_is_named(run):
    run.folder.best_checkpoint.unlink()
    node = config("torch.nn.Sequential", layer={"_target_": "torch.nn.ReLU"})
    with pytest.raises(Refusal) as refused:
        architecture_of(run, node)
    told = str(refused.value)
    assert "model.layer must be a number, text" in told
    assert "best.pt is missing: without weights, nothing can be exported" in told
    assert len(refused.value.problems) == 3
    assert "model._target_=torch.nn.Sequential cannot be exported" in told
    assert "use model=timm or model=torchvision" in told
