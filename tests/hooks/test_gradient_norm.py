"""The gradient's norm against torch's own, and that it leaves everything as it was."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from cifar_lab.data.loaders import TrainLoader
from cifar_lab.data.normalise import Normalise
from cifar_lab.data.pixels import Pixels
from cifar_lab.engine.fit import Loaders
from cifar_lab.engine.learner import Learner
from cifar_lab.engine.seeding import random_states, same_random_states
from cifar_lab.hooks import GradientNorm, RunView

CPU = torch.device("cpu")


@pytest.fixture
def view(digits) -> RunView:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=4), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(256, 10),
    )  # fmt: skip
    model[1].running_var.fill_(0.5)
    learner = Learner(model, nn.CrossEntropyLoss(), CPU, "float32", test_time_flips=False)
    normalise = Normalise(digits.mean, digits.std, CPU, False, torch.float32)
    pixels = Pixels(digits.source.train.images, CPU, resident=True)
    train = TrainLoader(digits, pixels, None, normalise, None, batch_size=32, seed=0, workers=0)
    return RunView(Path(), {}, (), print, learner, Loaders(train, None, None), model)


def expected(view: RunView, digits, images: int) -> float:
    """By backward() over all images at once, on a copy."""
    rows = digits.train_indices[:images]
    pixels = torch.from_numpy(digits.source.train.images[rows]).permute(0, 3, 1, 2) / 255
    mean, std = (
        torch.tensor(v, dtype=torch.float32).view(3, 1, 1) for v in (digits.mean, digits.std)
    )
    labels = torch.from_numpy(digits.source.train.labels[rows])
    model = copy.deepcopy(view.learner.model).eval()
    nn.functional.cross_entropy(model((pixels - mean) / std), labels).backward()
    return torch.nn.utils.get_total_norm(
        [p.grad for p in model.parameters() if p.grad is not None]
    ).item()


@pytest.mark.parametrize("images", [1, 32, 75, 10**6])  # in batches of 32, the last one smaller
def test_it_is_that_of_the_mean_loss_over_the_first_images(view, digits, images):
    (found,) = GradientNorm(images).columns(view).values()
    assert found == pytest.approx(expected(view, digits, images), rel=1e-5)


def test_frozen_and_unused_weights_do_not_count(view, digits):
    view.learner.model[0].requires_grad_(False)
    view.learner.model.register_parameter("unused", nn.Parameter(torch.ones(3)))
    view.learner.model.forward = lambda x: nn.Sequential(*list(view.learner.model)[:5])(x)
    (found,) = GradientNorm(32).columns(view).values()
    del view.learner.model.forward
    assert found == pytest.approx(expected(view, digits, 32), rel=1e-5)


def test_everything_is_left_as_it_was(view):
    model = view.learner.model.train()
    model[3].eval()
    model[4].weight.grad = torch.full_like(model[4].weight, 3.0)
    states, before, modes = (
        random_states(), copy.deepcopy(model.state_dict()), [m.training for m in model.modules()],
    )  # fmt: skip
    with torch.no_grad():
        first = GradientNorm(64).columns(view)
        assert not torch.is_grad_enabled()
    assert first == GradientNorm(64).columns(view)  # nothing random, either
    assert same_random_states(states, random_states())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes
    assert [p.grad is None for p in model.parameters()] == [True] * 4 + [False, True]
    assert (model[4].weight.grad == 3).all()
