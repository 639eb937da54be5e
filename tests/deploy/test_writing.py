"""A bundle is written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load
from torch import nn

from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.contents import Contents
from cifar_lab.deploy.writing import (
    files_of,
    folders_above,
    is_taken,
    new_folder,
    write_files,
)
from cifar_lab.refusal import Refusal
from tests.deploy.bundles import DESCRIBED, network

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_what_is_written_is_read(tmp_path):
    contents = Contents(DESCRIBED, {"examples/0.png": PIXELS}, "# Insects\n")
    model = network().to(memory_format=torch.channels_last)
    with new_folder(tmp_path / "deep" / "bundle") as folder:
        write_files(folder, files_of(contents, "---\nlicense: mit\n---\n", model))
    bundle = read_bundle(tmp_path / "deep" / "bundle")
    assert bundle.description == DESCRIBED
    assert bundle.read("README.md") == b"---\nlicense: mit\n---\n\n# Insects\n"
    shown = Image.open(io.BytesIO(bundle.read("examples/0.png")))
    np.testing.assert_array_equal(np.asarray(shown), PIXELS)
    tensors = load(bundle.read("model.safetensors"))
    assert tensors.keys() == model.state_dict().keys()
    assert all(torch.equal(tensors[name], each) for name, each in model.state_dict().items())


def test_weights_that_share_memory_are_written(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    files = files_of(Contents(DESCRIBED, {}, ""), "", model)
    assert set(load(files["model.safetensors"])) == set(model.state_dict())


def test_a_file_in_the_way_of_the_folders_above_is_named(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Refusal, match=r"file/bundle could not be written: .*; choose another"):
        with new_folder(tmp_path / "file" / "bundle"):
            pass
    assert (tmp_path / "file").read_text() == "mine"


def test_folders_above_that_were_there_or_are_used_by_others_stay(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(KeyboardInterrupt), folders_above(tmp_path / "mine" / "a" / "b" / "file"):
        (tmp_path / "mine" / "a" / "other").touch()
        raise KeyboardInterrupt
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert found == ["mine", "mine/a", "mine/a/other"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_what_failed(tmp_path, error):
    place = tmp_path / "exports" / "today" / "bundle"
    with pytest.raises((Refusal, KeyboardInterrupt)), new_folder(place) as folder:
        (folder / "half").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "mine").write_text("mine")
    with pytest.raises(Refusal, match="bundle exists already; choose another place with -o"):
        with new_folder(tmp_path / "bundle") as folder:
            (folder / "other").write_text("")
    assert [path.name for path in tmp_path.rglob("*")] == ["bundle", "mine"]


def test_only_an_empty_folder_may_be_replaced(tmp_path, monkeypatch):
    for name in ("empty", "full", "full/mine", "current"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path / "current")
    taken = [name for name in ("new", "empty", "full", "file", "link") if is_taken(tmp_path / name)]
    assert taken == ["full", "file", "link"]
    assert is_taken(Path("."))  # whoever is in it would be nowhere
    assert is_taken(Path(".."))
