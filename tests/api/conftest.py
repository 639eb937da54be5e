"""A tiny trained run and a tiny sweep, made once."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch

import cifar_lab
from cifar_lab.data.sources import Digits

#: One batch of digits in float32, so that results are the same up to the last bits.
TINY = (
    "experiments=digits",
    "model.width=4",
    "trainer.epochs=1",
    "trainer.limit_batches=2",
    "trainer.precision=float32",
    "report.enabled=false",
)


@pytest.fixture(scope="session")
def workplace(tmp_path_factory) -> Path:
    """A folder with a run in its outputs/."""
    folder = tmp_path_factory.mktemp("workplace")
    torch.set_num_threads(2)
    with contextlib.chdir(folder):
        cifar_lab.train(*TINY, "seed=1")
    return folder


@pytest.fixture
def run(workplace, monkeypatch) -> cifar_lab.Run:
    """The run, opened."""
    monkeypatch.chdir(workplace)
    return cifar_lab.open_run("digits")


@pytest.fixture(scope="session")
def test_images():
    """The digits that runs are tested on: uint8 ``(360, 32, 32, 3)``."""
    source = Digits(
        validation_fraction=0.1, split_seed=0, limit_train_images=None, mean=None, std=None
    )
    return source.load().source.test.images


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
