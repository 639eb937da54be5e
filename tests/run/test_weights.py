"""Weights of runs and files."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from cifar_lab.refusal import Refusal
from cifar_lab.run.checkpoint import packed_state
from cifar_lab.run.record import Run
from cifar_lab.run.weights import place_of, read_weights
from tests.made import a_run

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def assert_read(file: Path) -> None:
    found = read_weights(str(file))
    assert found.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(found.tensors[name], TENSORS[name]) for name in TENSORS)
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.pth.tar", "w.bin"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: tensors,
        lambda tensors: {"state_dict": tensors, "epoch": 3},
        lambda tensors: {"model": {f"module.{k}": v for k, v in tensors.items()}},
        lambda tensors: {f"_orig_mod.{k}": v for k, v in tensors.items()},
        lambda tensors: {"state_dict": {"a.bias": torch.zeros(1)}, "state_dict_ema": tensors},
    ],
)
def test_a_state_dict_is_found_in_what_wraps_it(name, wrap, tmp_path):
    torch.save(wrap(TENSORS), tmp_path / name)
    assert_read(tmp_path / name)


def test_safetensors_are_read(tmp_path):
    save_file(TENSORS, tmp_path / "w.safetensors")
    assert_read(tmp_path / "w.safetensors")


def test_a_pickle_with_anything_else_is_refused_and_not_run(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return Path.touch, (ran,)

    for number, value in enumerate((Namespace(lr=1), Evil())):
        file = tmp_path / f"{number}.pth"
        torch.save({"state_dict": TENSORS, "args": value}, file)
        with pytest.raises(Refusal, match="more than tensors and plain values") as refused:
            read_weights(str(file))
        assert len(refused.value.problems) == 1
        assert str(refused.value).startswith(f"model.weights={file}: ")
    assert not ran.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "could not be loaded"),
        (b"nonsense", "could not be loaded|more than tensors"),
        ({"lr": 0.1}, "must hold tensors by name, as a state dict does, got lr"),
        ([torch.ones(1)], "must hold tensors by name, got list"),
    ],
)
def test_a_file_without_tensors_is_refused(content, told, tmp_path):
    file = tmp_path / "w.pt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(Refusal, match=told):
        read_weights(str(file))


def test_broken_safetensors_are_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"short")
    with pytest.raises(Refusal, match="could not be loaded"):
        read_weights(str(tmp_path / "w.safetensors"))


def test_a_runs_weights_are_those_that_it_reports(tmp_path):
    folder = a_run(tmp_path / "outputs" / "run")
    files = Run(folder).files
    state = {"format": 1, "run": files.id, "model": {"a": torch.zeros(1)}, "ema": TENSORS}
    files.write({folder.best_checkpoint: packed_state(state)})
    place = place_of(tmp_path / "outputs", "run")
    found = read_weights(place)
    assert found.tensors["a.bias"].tolist() == [1, 1]
    assert found.run == files.id
    assert found.sha256 == hashlib.sha256(folder.best_checkpoint.read_bytes()).hexdigest()
    by_file = read_weights(str(folder.best_checkpoint))  # the same, as a file
    assert by_file.tensors.keys() == TENSORS.keys()
    assert by_file.run == files.id


def test_a_run_without_a_result_has_no_weights_yet(tmp_path):
    a_run(tmp_path / "outputs" / "run", state="interrupted")
    with pytest.raises(Refusal, match=r"no result yet, .+ `cifar-lab resume"):
        read_weights(place_of(tmp_path / "outputs", "run"))


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(Refusal, match=r"model\.weights=no\.pth: the file does not exist"):
        place_of(tmp_path, "no.pth")
    with pytest.raises(Refusal, match=r"model\.weights: RUN=nothing is not a run"):
        place_of(tmp_path, "nothing")
