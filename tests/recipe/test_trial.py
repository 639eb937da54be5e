"""The same small batches are tried by every verb that may train."""

from __future__ import annotations

import sys

import pytest

from cifar_lab.cli.main import main
from tests.conftest import BESIDE

SINGLE = ["dataset.limit_train_images=33", "trainer.batch_size=32", "dataset.validation_fraction=0"]


@pytest.mark.parametrize("verb", ["train", "check", "find-lr"])
def test_a_last_batch_of_one_under_batch_norm_is_refused_by_every_verb(
    verb, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    words = ["dataset=digits", "model._target_=tests.cli.nets.BatchNormed", "~model.width", *SINGLE]
    words += BESIDE
    assert main([verb, *words]) == 2
    assert "a batch of 1 image could not be passed through BatchNormed" in (
        told := capsys.readouterr().err
    )
    assert "trainer.batch_size=32 leaves a last batch of one of the 33 training images" in told
    assert not (tmp_path / "outputs").exists()
    # The last batch is not trained then.
    assert main(["check", *words, "trainer.limit_batches=1"]) == 0


#: Networks as people write them.
NETS = """
from torch import nn

class Tiny(nn.Module):
    def __init__(self, num_classes: int = 10, width: int = 8):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, 2, 1), nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(2 * width, num_classes)
    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))

class LogSoftmax(Tiny):
    def forward(self, x): return super().forward(x).log_softmax(1)

class Softmax(Tiny):
    def forward(self, x): return super().forward(x).softmax(1)

class Pair(Tiny):
    def forward(self, x): return super().forward(x), x

class Seven(Tiny):
    def __init__(self, num_classes: int): super().__init__(7)

class Fixed(nn.Sequential):
    def __init__(self, width: int = 8):
        super().__init__(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))

class Flat(nn.Sequential):
    def __init__(self, *, num_classes: int, image_size: tuple[int, int]):
        height, width = image_size
        super().__init__(nn.Flatten(), nn.Linear(3 * height * width, num_classes))

class Any(Tiny):
    def __init__(self, **given): super().__init__(given["num_classes"])
"""
PLAIN = ["dataset=digits", "device=cpu", "~model.width", "trainer.precision=float32"]


@pytest.fixture
def nets(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("cifar_lab.own_code._PERMITTED", [])
    monkeypatch.delitem(sys.modules, "own_nets_1", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_nets_1.py").write_text(NETS)


@pytest.mark.parametrize(
    ("net", "explained"),
    [
        ("Tiny", "at body, 8×8"),
        ("LogSoftmax", "at body, 8×8"),  # their softmax is the same
        ("Any", "at body, 8×8"),
        ("Flat", "none: the model has no layer whose output is a feature map"),
    ],
)
def test_a_network_needs_to_know_nothing_of_the_lab(net, explained, nets, capsys):
    assert main(["check", *PLAIN, f"model._target_=own_nets_1.{net}"]) == 0
    assert f"GradCAM:   {explained}\n" in capsys.readouterr().out


def test_a_network_for_one_size_of_images_is_refused_where_others_are_trained_on(nets, capsys):
    sizes = "trainer.image_sizes=[[0,16],[1,32]]"
    assert main(["check", *PLAIN, sizes, "model._target_=own_nets_1.Tiny"]) == 0
    assert main(["check", *PLAIN, sizes, "model._target_=own_nets_1.Flat"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: a batch of 2 images could not be passed through Flat (")
    assert "trainer.image_sizes resizes images to 16 pixels, which this network does not" in line


@pytest.mark.parametrize(
    ("net", "told"),
    [
        ("Fixed", "takes no argument num_classes; the lab supplies num_classes and, to a model "
         "that takes it, image_size (height and width); the YAML gives all others (width)"),
        ("Seven", "must return logits of shape (2, 10) for 2 images of 10 classes, got (2, 7)"),
        ("Pair", "must return logits as one tensor, of shape (2, 10) for 2 images of 10 classes, "
         "got tuple"),
        ("Softmax", "returns probabilities, as each image's add up to 1, but logits are needed"),
    ],
)  # fmt: skip
def test_what_gives_no_logits_is_one_message(net, told, nets, capsys):
    assert main(["check", *PLAIN, f"model._target_=own_nets_1.{net}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: model: ")
    assert told in line
