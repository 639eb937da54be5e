"""Fixtures that several rooms share. Nothing here needs a network or files of the user's."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_lab.assembly.precision import measured
from cifar_lab.data.arrays import Dataset
from cifar_lab.data.sources import Digits

pytest_plugins = ["pytester", "tests.extras"]
#: Lets a configuration name modules of these tests, wherever one stands.
BESIDE = ["--config-dir", str(Path(__file__).parents[1] / "conf")]


@pytest.fixture(autouse=True)
def _two_threads():
    """The same sums in the same order on every machine."""
    torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """No test leaves a handler whose stream ends with it, which would fail in a later test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory) -> Iterator[None]:
    """No test writes to the state folder of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    """What a power failure would leave cannot be tested, and the waiting is a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _measured_before(tmp_path_factory) -> Iterator[None]:
    """A cache in which bfloat16 was found to be twice as fast, so that no test measures it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        torch.set_num_threads(2)
        measured(lambda: lambda precision: {"bfloat16": 0.01, "float32": 0.02}[precision])
        yield


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """All digits, a tenth of the training images held out."""
    return Digits(
        validation_fraction=0.1, split_seed=0, limit_train_images=None, mean=None, std=None
    ).load()


@pytest.fixture
def image_folder(tmp_path) -> Path:
    """Two classes of 8×8 PNG files, four training and two test images each."""
    return write_image_folder(tmp_path / "images")


def write_image_folder(
    root: Path, classes: tuple[str, ...] = ("ant", "bee"), side: int = 8, train: int = 4
) -> Path:
    """Writes random images as ``root/{train,test}/<class>/<number>.png``."""
    generator = np.random.default_rng(0)
    for split, count in (("train", train), ("test", 2)):
        for name in classes:
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


@contextlib.contextmanager
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Captures the package's log once, whether or not it propagates to the root logger."""
    log = logging.getLogger("cifar_lab")
    before, log.propagate = log.propagate, False
    log.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, "cifar_lab"):
        yield
    log.removeHandler(caplog.handler)
    log.propagate = before
